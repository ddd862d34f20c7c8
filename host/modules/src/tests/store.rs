//! Records and components on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use host_manifest::{Digest, Manifest, cut};
use serde_json::json;

use crate::objects::Signed;
use crate::store::{Kept, Record, Store};

/// The manifest of some bytes, as a host keeps it.
fn kept(component: &[u8], revision: u64) -> Kept {
    let (component, _) = cut("x", component).unwrap();
    let manifest = Manifest::new("x".to_owned(), "x".to_owned(), revision, component, json!({}));
    let manifest = String::from_utf8(manifest.to_bytes().unwrap()).unwrap();
    Signed { manifest, signatures: String::new() }.into()
}

#[test]
fn what_was_written_is_there_and_what_is_damaged_is_as_if_it_was_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let record = Record { head: "a".to_owned(), module: "x".to_owned(), seen: 3, ..Record::default() };
    store.write(&record).unwrap();
    store.write(&Record { head: "b".to_owned(), ..record.clone() }).unwrap();
    let other = Record { module: "y".to_owned(), seen: 1, ..record.clone() };
    store.write(&other).unwrap();
    fs::write(folder.path().join("state/heads/x@b.json"), "{").unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    assert_eq!(store.records().unwrap(), [record, other], "a head that was of two modules has been seen as each");
    let mode = fs::metadata(folder.path().join("state/heads")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn components_stay_while_a_record_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for component in [b"one", b"two", b"old"] {
        store.keep(Digest::of(component), component).unwrap();
    }
    let record = Record { good: Some(kept(b"one", 1)), before: Some(kept(b"two", 2)), ..Record::default() };
    store.prune(&[&record]).unwrap();
    let is_there = |component: &[u8]| store.has(Digest::of(component));
    assert_eq!([is_there(b"one"), is_there(b"two"), is_there(b"old")], [true, true, false]);
    fs::write(store.component(Digest::of(b"one")), "damaged").unwrap();
    assert!(!is_there(b"one"), "what is damaged is not there");
}

#[test]
fn what_is_live_is_good_and_what_is_taken_back_makes_way_for_what_was_good_before() {
    let (one, two) = (kept(b"one", 1), kept(b"two", 2));
    let mut record = Record { newest: Some(one.clone()), ..Record::default() };
    assert!(record.proves(Some(&one)));
    assert!(!record.proves(Some(&one)), "that is known");
    assert_eq!((record.good.as_ref(), record.newest.as_ref()), (Some(&one), None));
    record.newest = Some(two.clone());
    // What was good is live again after a restart: that says nothing of the newest.
    assert!(!record.proves(Some(&one)));
    assert_eq!(record.newest.as_ref(), Some(&two));
    assert!(record.proves(Some(&two)));
    assert!(record.takes_back(Some(&two)));
    assert_eq!((record.good.as_ref(), record.newest.as_ref()), (Some(&one), Some(&two)));
    assert!(!record.takes_back(Some(&one)), "there is nothing before it");
}

#[test]
fn what_was_taken_back_and_is_live_after_all_is_good() {
    let two = kept(b"two", 2);
    let mut record = Record { good: Some(two.clone()), rolled_back: two.digest(), ..Record::default() };
    assert!(record.proves(Some(&two)), "it is not refused after a restart");
    assert_eq!(record.rolled_back, "");
    assert!(!record.proves(Some(&two)));
}
