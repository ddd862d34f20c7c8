//! What a host takes of a module that somebody has pushed.

mod cosign;
mod manifest;
mod parts;
mod trust;

use serde_json::json;

use crate::{Manifest, cut};

/// A manifest of a component that is some text.
fn manifest() -> Manifest {
    let (component, _) = cut("pii-scrub", b"a component").unwrap();
    let mut manifest = Manifest::new(
        "pii-scrub-eu".to_owned(),
        "pii-scrub".to_owned(),
        7,
        component,
        json!({ "detectors": ["email"] }),
    );
    manifest.requests.reads = vec!["log.body".to_owned()];
    manifest.grants.reads = vec!["log.body".to_owned()];
    manifest
}
