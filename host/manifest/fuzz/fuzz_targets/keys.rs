//! Whatever a file with a key has in it, as it is and as what cosign has in PEM: nothing panics. No key is opened: what that costs is
//! the same for each that can be read.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_manifest::{KeyError, PrivateKey, PublicKeys};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = PrivateKey::read(text);
        let _ = PublicKeys::default().add(text);
    }
    let lines = STANDARD.encode(data).into_bytes();
    let lines: Vec<_> = lines.chunks(64).map(String::from_utf8_lossy).collect();
    let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    let text = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"));
    match PrivateKey::read(&text) {
        Ok(PrivateKey::Sealed(_)) | Err(KeyError::Cosign(_) | KeyError::Effort { .. }) => {}
        Ok(PrivateKey::Open(_)) => panic!("what is encrypted is open"),
        Err(other) => panic!("{other}"),
    }
});
