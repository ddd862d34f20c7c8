//! Whose signature is taken, and that OpenSSL says the same.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use serde_json::{Value, json};

use super::manifest;
use crate::{KeyError, PrivateKey, PublicKeys, SigningKey, TrustError};

/// A new key, as OpenSSL writes it.
fn key(folder: &std::path::Path, name: &str) -> (SigningKey, String) {
    let path = folder.join(name);
    let made = Command::new("openssl").args(["ecparam", "-name", "prime256v1", "-genkey", "-out"]).arg(&path).output();
    assert!(made.unwrap().status.success());
    let shown = Command::new("openssl").args(["ec", "-pubout", "-in"]).arg(&path).output().unwrap();
    let PrivateKey::Open(key) = PrivateKey::read(&fs::read_to_string(&path).unwrap()).unwrap() else {
        panic!("sealed")
    };
    (key, String::from_utf8(shown.stdout).unwrap())
}

#[test]
fn a_signature_is_taken_from_whoever_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ((old, old_public), (new, new_public)) = (key(folder.path(), "old"), key(folder.path(), "new"));
    let (stranger, _) = key(folder.path(), "stranger");
    let mut keys = PublicKeys::default();
    keys.add(&old_public).unwrap();
    let signed = b"a manifest";
    assert_eq!(keys.verify(signed, &old.sign(signed)), Ok(()));
    assert_eq!(keys.verify(signed, &new.sign(signed)), Err(TrustError::Wrong));
    for blank in ["", "\n", "  \n\n"] {
        assert_eq!(keys.verify(signed, blank), Err(TrustError::Unsigned), "{blank:?}");
    }
    assert_eq!(keys.verify(signed, "no signature\n"), Err(TrustError::Wrong));
    assert_eq!(keys.verify(b"another", &old.sign(signed)), Err(TrustError::Wrong));
    // While keys change, there are two keys, or two signatures.
    keys.add(&new_public).unwrap();
    assert_eq!(keys.verify(signed, &new.sign(signed)), Ok(()));
    let both = format!("{}\n{}\n", stranger.sign(signed), old.sign(signed));
    assert_eq!(keys.verify(signed, &both), Ok(()));
    assert_eq!(new.public().unwrap(), new_public);
}

#[test]
fn each_thing_that_is_changed_after_signing_breaks_the_signature() {
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = key(folder.path(), "key");
    let mut keys = PublicKeys::default();
    keys.add(&public).unwrap();
    let written = manifest().to_bytes().unwrap();
    let signature = key.sign(&written);
    assert_eq!(keys.verify(&written, &signature), Ok(()));
    let original: Value = serde_json::from_slice(&written).unwrap();
    let mut places = Vec::new();
    leaves(&original, String::new(), &mut places);
    assert!(places.len() > 12, "{places:?}");
    for place in places {
        let mut changed = original.clone();
        let value = changed.pointer_mut(&place).unwrap();
        *value = match value.as_u64() {
            Some(number) => json!(number + 1),
            None => json!(format!("{}x", value.as_str().unwrap_or_default())),
        };
        let changed = serde_json::to_vec_pretty(&changed).unwrap();
        assert_eq!(keys.verify(&changed, &signature), Err(TrustError::Wrong), "{place}");
    }
    assert_eq!(keys.verify(&written[..written.len() - 1], &signature), Err(TrustError::Wrong), "the last line break");
}

fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, format!("{at}/{key}"), found)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, value)| leaves(value, format!("{at}/{index}"), found));
        }
        _ => found.push(at),
    }
}

#[test]
fn openssl_takes_what_is_signed_here_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = key(folder.path(), "key");
    let path = |name: &str| folder.path().join(name);
    let signed = manifest().to_bytes().unwrap();
    fs::write(path("manifest"), &signed).unwrap();
    fs::write(path("public"), &public).unwrap();
    let der = base64::engine::general_purpose::STANDARD.decode(key.sign(&signed)).unwrap();
    fs::write(path("signature"), der).unwrap();
    let mut checking = Command::new("openssl");
    checking.args(["dgst", "-sha256", "-verify"]).arg(path("public"));
    checking.arg("-signature").arg(path("signature")).arg(path("manifest"));
    assert!(checking.output().unwrap().status.success());
    let mut signing = Command::new("openssl");
    signing.args(["dgst", "-sha256", "-sign"]).arg(path("key")).arg(path("manifest"));
    let signature = base64::engine::general_purpose::STANDARD.encode(signing.output().unwrap().stdout);
    let mut keys = PublicKeys::default();
    keys.add(&public).unwrap();
    assert_eq!(keys.verify(&signed, &signature), Ok(()));
}

#[test]
fn what_is_no_key_is_told() {
    assert!(matches!(PublicKeys::default().add("no key"), Err(KeyError::Public(_))));
    assert!(matches!(PrivateKey::read("no key"), Err(KeyError::Private(_))));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(PrivateKey::read(encrypted).err(), Some(KeyError::Encrypted));
}
