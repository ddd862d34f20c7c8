//! Keys that cosign 2.6.5 made and encrypted, what it signed with them, and such files when something is wrong with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use p256::pkcs8::der::pem;
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{CosignKey, KeyError, PrivateKey, PublicKeys, SigningKey, TrustError};

/// `COSIGN_PASSWORD='correct horse' cosign generate-key-pair`
const KEY: &str = include_str!("fixtures/cosign.key");
const PASSWORD: &[u8] = b"correct horse";
const PUBLIC: &str = include_str!("fixtures/cosign.pub");
/// `COSIGN_PASSWORD= cosign generate-key-pair`
const KEY_WITHOUT_PASSWORD: &str = include_str!("fixtures/empty.key");
const PUBLIC_WITHOUT_PASSWORD: &str = include_str!("fixtures/empty.pub");
/// `cosign sign-blob --key cosign.key --tlog-upload=false --yes manifest.json`
const MANIFEST: &[u8] = include_bytes!("fixtures/manifest.json");
const SIGNATURE: &str = include_str!("fixtures/manifest.sig");

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";

fn open(text: &str, password: &[u8]) -> Result<SigningKey, KeyError> {
    match PrivateKey::read(text)? {
        PrivateKey::Sealed(sealed) => sealed.open(password),
        PrivateKey::Open(_) => panic!("it is not encrypted"),
    }
}

fn in_pem(label: &str, json: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, json).unwrap()
}

/// The fixture's key, one thing in its JSON another.
fn with(pointer: &str, value: Value) -> String {
    let (_, json) = pem::decode_vec(KEY.trim().as_bytes()).unwrap();
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    in_pem(LABEL, json.to_string().as_bytes())
}

/// The problem that is told of a file.
fn problem(text: &str) -> String {
    PrivateKey::read(text).err().unwrap().to_string()
}

/// What is put in, encrypted as cosign 1 did, at half the effort of today.
fn sealed_by_cosign_1(inside: &[u8], password: &[u8]) -> String {
    let (salt, nonce) = ([3; 32], [5; 24]);
    let mut key = [0; 32];
    scrypt::scrypt(password, &salt, &scrypt::Params::new(15, 8, 1, 32).unwrap(), &mut key).unwrap();
    let mut sealed = inside.to_vec();
    XSalsa20Poly1305::new(&key.into()).encrypt_in_place(&nonce.into(), b"", &mut sealed).unwrap();
    let json = json!({
        "kdf": { "name": "scrypt", "params": { "N": 32768, "r": 8, "p": 1 }, "salt": STANDARD.encode(salt) },
        "cipher": { "name": "nacl/secretbox", "nonce": STANDARD.encode(nonce) },
        "ciphertext": STANDARD.encode(&sealed),
    });
    in_pem("ENCRYPTED COSIGN PRIVATE KEY", json.to_string().as_bytes())
}

#[test]
fn what_cosign_signed_is_verified_by_its_public_key() {
    let mut keys = PublicKeys::default();
    keys.add(PUBLIC).unwrap();
    assert_eq!(keys.verify(MANIFEST, SIGNATURE), Ok(()));
    assert_eq!(keys.verify(&MANIFEST[1..], SIGNATURE), Err(TrustError::Wrong));
    let mut others = PublicKeys::default();
    others.add(PUBLIC_WITHOUT_PASSWORD).unwrap();
    assert_eq!(others.verify(MANIFEST, SIGNATURE), Err(TrustError::Wrong));
}

#[test]
fn a_key_that_cosign_encrypted_opens_with_its_password_and_no_other() {
    let key = open(KEY, PASSWORD).unwrap();
    assert_eq!(key.public().unwrap(), PUBLIC);
    let mut keys = PublicKeys::default();
    keys.add(PUBLIC).unwrap();
    assert_eq!(keys.verify(MANIFEST, &key.sign(MANIFEST)), Ok(()));
    for wrong in [b"" as &[u8], b"correct horse\n", b"Correct horse", b"\xff"] {
        assert_eq!(open(KEY, wrong).err(), Some(KeyError::Password));
    }
}

#[test]
fn an_empty_password_is_one() {
    assert_eq!(open(KEY_WITHOUT_PASSWORD, b"").unwrap().public().unwrap(), PUBLIC_WITHOUT_PASSWORD);
    assert_eq!(open(KEY_WITHOUT_PASSWORD, b" ").err(), Some(KeyError::Password));
}

#[test]
fn what_stands_around_the_key_and_ends_of_lines_change_nothing() {
    let around = format!("the key of the team\n\n{}\n\n", KEY.replace('\n', "\r\n"));
    assert_eq!(open(&around, PASSWORD).unwrap().public().unwrap(), PUBLIC);
}

#[test]
fn a_key_of_cosign_1_opens_too() {
    let inside = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let text = sealed_by_cosign_1(inside.to_pkcs8_der().unwrap().as_bytes(), PASSWORD);
    let public = inside.public_key().to_public_key_pem(LineEnding::LF).unwrap();
    assert_eq!(open(&text, PASSWORD).unwrap().public().unwrap(), public);
}

#[test]
fn what_is_encrypted_and_no_key_that_we_sign_with_is_told() {
    let found = open(&sealed_by_cosign_1(b"no key", b""), b"");
    assert!(matches!(found, Err(KeyError::Inside(_))));
}

#[test]
fn what_is_encrypted_is_not_taken_once_it_is_changed() {
    let (_, json) = pem::decode_vec(KEY.trim().as_bytes()).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    for pointer in ["/ciphertext", "/cipher/nonce", "/kdf/salt"] {
        let text = json.pointer(pointer).unwrap().as_str().unwrap();
        let first = if text.starts_with('A') { "B" } else { "A" };
        let changed = with(pointer, json!(format!("{first}{}", &text[1..])));
        assert_eq!(open(&changed, PASSWORD).err(), Some(KeyError::Password), "{pointer}");
    }
    // Half the effort makes another key.
    assert_eq!(open(&with("/kdf/params/N", json!(32768)), PASSWORD).err(), Some(KeyError::Password));
}

#[test]
fn a_file_does_not_say_how_much_memory_and_time_are_spent() {
    for (n, r, p) in [
        (1 << 40, 8, 1),
        (1 << 18, 8, 1),
        (1 << 16, 1 << 20, 1),
        (1 << 16, 8, 1 << 20),
        (1 << 16, 8, 0),
        (0, 8, 1),
        (65535, 8, 1),
        (1 << 4, 8, 1),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let text = with("/kdf/params", json!({ "N": n, "r": r, "p": p }));
        assert_eq!(PrivateKey::read(&text).err(), Some(KeyError::Effort { n, r, p }));
    }
}

#[test]
fn what_is_broken_is_told_where_it_is() {
    for (text, says) in [
        (with("/kdf/name", json!("argon2")), "encrypted by `argon2`, not by `scrypt`"),
        (with("/cipher/name", json!("aes")), "encrypted by `aes`, not by `nacl/secretbox`"),
        (with("/cipher/nonce", json!("AAAA")), "its nonce has 3 bytes of 24"),
        (with("/kdf/salt", json!("?")), "its salt: Invalid"),
        (with("/ciphertext", json!("AAAA")), "its ciphertext has 3 bytes"),
        (with("/ciphertext", json!(null)), "invalid type: null"),
        (with("/kdf/params/N", json!(-1)), "invalid value: integer `-1`"),
        (in_pem(LABEL, b"{}"), "missing field `kdf`"),
        (in_pem(LABEL, b"no JSON"), "expected ident"),
        (format!("-----BEGIN {LABEL}-----\n"), "PEM"),
    ] {
        let told = problem(&text);
        assert!(told.contains(says) && told.contains("cosign generate-key-pair"), "{told}");
    }
}

proptest! {
    #[test]
    fn a_key_that_is_cut_off_anywhere_is_none(end in 0..KEY.trim_end().len()) {
        prop_assert!(PrivateKey::read(&KEY[..end]).is_err());
    }

    #[test]
    fn whatever_a_file_has_is_read_or_told(label in 0..2_usize, inside in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        r#"\{"kdf":\{"name":"scrypt","params":\{"N":(65536|[0-9]{1,25}),"r":8,"p":[0-9]\},"salt":"[A-Z=]{0,8}"\},"cipher":\{"name":"nacl/secretbox","nonce":"[A-Z]{30,34}"\},"ciphertext":"[A-Z=]{0,40}"\}"#
            .prop_map(String::into_bytes),
    ]) {
        let labels = [LABEL, "ENCRYPTED COSIGN PRIVATE KEY"];
        let told = CosignKey::read(&in_pem(labels[label], &inside)).err();
        let is_of_cosign = matches!(told, None | Some(KeyError::Cosign(_) | KeyError::Effort { .. }));
        prop_assert!(is_of_cosign, "{told:?}");
    }
}
