//! How a host says that one head stands.

use std::sync::Arc;

use host_manifest::{Digest, Fields, Manifest, cut};
use host_wasm::{Edition, Pushed, Standing};
use serde_json::json;
use tokio::time::Instant;

use super::super::Head;
use super::{Refusal, short};
use crate::head::Rejected;
use crate::objects::Signed;
use crate::store::Kept;

/// A head of which a revision was taken, and the digits that tell its manifest.
fn taken() -> (Head, String) {
    let (component, _) = cut("x", b"x").unwrap();
    let digest = component.digest;
    let manifest = Manifest::new("x-eu".to_owned(), "x".to_owned(), 3, component, json!({}));
    let manifest = String::from_utf8(manifest.to_bytes().unwrap()).unwrap();
    let signed = Signed { manifest, signatures: String::new() };
    let of_manifest = short(&signed.digest());
    let pushed = Pushed {
        head: "x-eu".to_owned(),
        module: "x".to_owned(),
        revision: 3,
        digest,
        component: "x.wasm".into(),
        config: "{}".to_owned(),
        grants: Fields::default(),
        clusters: Vec::new(),
        is_good: false,
        withheld: None,
    };
    let mut head =
        Head { edition: Some(Arc::new(Edition::new(pushed))), taken: Some(Kept::from(signed)), ..Head::default() };
    (head.record.head, head.record.module) = ("x-eu".to_owned(), "x".to_owned());
    (head, of_manifest)
}

#[test]
fn what_was_taken_is_compiling_until_it_runs_and_a_head_that_says_nothing_yet_has_no_state() {
    assert_eq!(Head::default().state(), None);
    let (mut head, of_manifest) = taken();
    let state = head.state().unwrap();
    assert_eq!((state.state.as_str(), state.revision, &state.manifest), ("Compiling", 3, &of_manifest));
    assert_eq!(state.digest, Digest::of(b"x").short());
    let now = Instant::now();
    (head.standing, head.live) = (Some(Standing::Live), Some(now));
    let state = head.state().unwrap();
    assert_eq!((state.state.as_str(), state.since), ("Live", Some(now)));
    // The next one was taken.
    head.standing = None;
    let state = head.state().unwrap();
    assert_eq!((state.state.as_str(), state.since), ("Compiling", None));
}

#[test]
fn what_runs_says_nothing_of_what_was_looked_at_later_and_a_refusal_is_of_what_is_refused() {
    let (mut head, of_manifest) = taken();
    (head.standing, head.live) = (Some(Standing::Live), Some(Instant::now()));
    head.looked_at = Digest::of(b"another").to_string();
    assert_eq!(head.state().unwrap().manifest, of_manifest);
    let rejected = Rejected::Tie("x".to_owned());
    head.refusal = Some(Refusal { digest: "d".repeat(64), manifest: head.looked_at.clone(), rejected });
    let state = head.state().unwrap();
    assert_eq!((state.state.as_str(), state.manifest), ("Tie", Digest::of(b"another").short()));
}
