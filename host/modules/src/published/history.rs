//! The history of a head: as which revision the content of each was pushed, where an undo goes, and what is kept for it.

use std::collections::BTreeSet;
use std::iter::successors;

use host_manifest::Manifest;

/// Different contents that are kept, that in force among them.
const CONTENTS: usize = 3;
/// Where the same ones were pushed again and again, so many undos are kept at most.
const STEPS: usize = 6;

/// One revision of a head, in force or before.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    /// Of the object that it lies in.
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    /// The revision that its content was pushed as: its own, unless an undo made it, or the same was pushed again.
    pub(crate) origin: u64,
}

impl Revision {
    /// One that is pushed to the head of this name, in the place of another.
    pub(crate) fn pushed(name: String, manifest: Manifest, before: Option<&Revision>) -> Revision {
        let origin = manifest.revision;
        let pushed = Revision { name, manifest, origin };
        let is_again = before.filter(|before| before.is_like(&pushed));
        Revision { origin: is_again.map_or(origin, |before| before.origin), ..pushed }
    }

    /// Where an undo goes: to what was in force before its content was pushed. `formers` are those that there are, newest first.
    pub(crate) fn before<'f>(&self, formers: &'f [Revision]) -> Option<&'f Revision> {
        let is_before = |former: &&Revision| former.manifest.revision < self.origin && !former.is_like(self);
        formers.iter().find(is_before)
    }

    /// Whether a host would run the same.
    pub(crate) fn is_like(&self, other: &Revision) -> bool {
        let content = |Manifest { component, config_digest, grants, clusters, .. }: &Manifest| {
            (component.digest, *config_digest, grants.clone(), clusters.clone())
        };
        content(&self.manifest) == content(&other.manifest)
    }
}

/// The one that has this number, or whose content was pushed as it.
pub(crate) fn named(revision: u64, formers: &[Revision]) -> Option<&Revision> {
    let by_number = formers.iter().find(|former| former.manifest.revision == revision);
    by_number.or_else(|| formers.iter().find(|former| former.origin == revision))
}

/// Those of the formers, newest first, that stay: what undos go to from here, and where these end of other contents the newest.
pub(crate) fn kept<'f>(head: &Revision, formers: &'f [Revision]) -> BTreeSet<&'f str> {
    let (mut kept, mut contents, mut end) = (BTreeSet::new(), vec![head], head.origin);
    for step in successors(head.before(formers), |step| step.before(formers)).take(STEPS) {
        if contents.len() == CONTENTS {
            return kept;
        }
        kept.insert(step.name.as_str());
        end = step.origin;
        if !contents.iter().any(|known| known.is_like(step)) {
            contents.push(step);
        }
    }
    // What is older than what undos go to would be gone to instead of it.
    for other in formers.iter().filter(|former| former.manifest.revision >= end) {
        if contents.len() < CONTENTS && !contents.iter().any(|known| known.is_like(other)) {
            kept.insert(&other.name);
            contents.push(other);
        }
    }
    kept
}
