//! What is a manifest, and what is none.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifest;
use crate::{Manifest, ManifestError, is_head, is_name};

/// What is said of a manifest in which the value at a place is another.
fn changed(pointer: &str, value: Value) -> String {
    let mut written = serde_json::to_value(manifest()).unwrap();
    *written.pointer_mut(pointer).unwrap() = value;
    Manifest::read(written.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read() {
    let bytes = manifest().to_bytes().unwrap();
    assert_eq!(Manifest::read(&bytes).unwrap(), manifest());
}

#[test]
fn what_makes_no_sense_is_told_with_its_key() {
    assert_eq!(changed("/name", json!("PII")).split(':').next(), Some("name"));
    let long = changed("/head", json!("h".repeat(64)));
    assert!(long.starts_with("head: a head has a name of up to 63 of"), "{long}");
    assert_eq!(changed("/revision", json!(0)), "revision: revisions begin with 1");
    assert_eq!(changed("/config", json!({})), "config_digest: it is not that of `config`");
    assert_eq!(changed("/clusters", json!([])), "clusters: it is for no cluster: `*` is all of them");
    assert_eq!(changed("/component/parts", json!([])), "component: it has 1 to 256 parts");
    assert!(changed("/component/parts/0/name", json!("../etc")).starts_with("component: the name of a part"));
    assert!(changed("/component/digest", json!("sha256:AB")).contains("is no digest"));
    assert!(changed("/component/coding", json!("lzma")).contains("unknown variant"));
    assert!(changed("/component/coding", json!("plain")).contains("not what its parts come to"));
}

#[test]
fn what_is_not_known_is_refused() {
    let mut written = serde_json::to_value(manifest()).unwrap();
    written["grant"] = json!({});
    assert!(Manifest::read(written.to_string().as_bytes()).unwrap_err().to_string().contains("unknown field `grant`"));
    written["schema"] = json!(2);
    assert_eq!(Manifest::read(written.to_string().as_bytes()), Err(ManifestError::Schema(2)));
    assert!(matches!(Manifest::read(&vec![b' '; 1 << 20]), Err(ManifestError::Size(_))));
    assert!(matches!(Manifest::read(b"{"), Err(ManifestError::Form(_))));
}

#[test]
fn a_name_is_one_of_an_object() {
    for name in ["a", "pii-scrub", "3x", &"a".repeat(63)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "-a", "a-", "A", "a.b", "a_b", "a/b", &"a".repeat(64)] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn a_head_has_a_name_that_a_label_may_have_as_its_value() {
    for name in ["a", "pii-scrub.eu", "3x", &"a".repeat(63), &format!("{}.{}", "a".repeat(31), "b".repeat(31))] {
        assert!(is_head(name), "{name}");
    }
    for name in ["", "-a", "a-", "a.", ".a", "a..b", "a.-b", "A", "a_b", "a/b", &"a".repeat(64), &"a.".repeat(40)] {
        assert!(!is_head(name), "{name}");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_it_can_be_read_again(bytes in proptest::collection::vec(any::<u8>(), 0..64), at in 0usize..2000) {
        // A manifest with some bytes in it that somebody else has put there.
        let mut written = manifest().to_bytes().unwrap();
        let at = at.min(written.len());
        written.splice(at..(at + bytes.len()).min(manifest().to_bytes().unwrap().len()), bytes);
        if let Ok(read) = Manifest::read(&written) {
            prop_assert_eq!(Manifest::read(&read.to_bytes().unwrap()).unwrap(), read);
        }
    }
}
