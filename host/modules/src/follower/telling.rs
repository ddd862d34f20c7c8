//! Telling what has become of heads: why one is refused, once, and how all of them stand.

use super::{Follower, Head};
use crate::head::Rejected;
use crate::report::{Complaint, LIVE, State};
use crate::store::Kept;

/// Why something that a head has said is not taken, or came to nothing.
pub(super) struct Refusal {
    /// That of the component, as far as one was named.
    pub(super) digest: String,
    /// The digest of the manifest that is refused: the same component may be pushed in many ways.
    pub(super) manifest: String,
    pub(super) rejected: Rejected,
}

impl Refusal {
    fn is_same(&self, other: &Refusal) -> bool {
        self.manifest == other.manifest && self.rejected.to_string() == other.rejected.to_string()
    }
}

impl Follower {
    /// Says once why something is not taken.
    pub(super) async fn reject(&mut self, name: &str, refusal: Refusal) {
        let Some(head) = self.heads.get_mut(name) else { return };
        if head.refusal.as_ref().is_some_and(|known| known.is_same(&refusal)) {
            return;
        }
        let Refusal { digest, manifest, rejected } = &refusal;
        let (module, reason, message) = (head.record.module.clone(), rejected.reason(), rejected.to_string());
        let (uid, manifest) = (head.uid.clone(), manifest.clone());
        self.meters.rejected(&module, reason);
        tracing::warn!(head = name, module, digest, reason, %message, "a pushed module is refused, and what ran before runs on");
        head.refusal = Some(refusal);
        if let Some(api) = self.api().await {
            let namespace = self.namespace_of(&api);
            let complaint = Complaint { head: name, uid, manifest: &manifest, reason, message: &message };
            self.reporter.tell(&api, &namespace, &complaint).await;
        }
    }

    pub(super) async fn report(&mut self) {
        // Of what no processor is of there is nothing to say.
        let is_run = |head: &&Head| self.sandbox.processors_of(&head.record.module) > 0;
        let states = self.heads.values().filter(is_run).filter_map(Head::state).collect();
        if !self.reporter.is_due(&states) {
            return;
        }
        if let Some(api) = self.api().await {
            let namespace = self.namespace_of(&api);
            if !self.reporter.report(&api, &namespace, states).await {
                self.meters.failures.inc();
            }
        }
    }
}

impl Head {
    /// What a host says of it on its own pod.
    pub(super) fn state(&self) -> Option<(String, State)> {
        use host_wasm::Standing;
        let edition = self.edition.as_ref();
        let (state, reason) = match (&self.refusal, &self.standing, edition) {
            (Some(refusal), ..) => (refusal.rejected.reason(), refusal.rejected.to_string()),
            (None, Some(Standing::Live), _) => (LIVE, String::new()),
            (None, _, Some(_)) => ("Compiling", String::new()),
            (None, _, None) => return None,
        };
        let (digest, manifest) = match (&self.refusal, edition) {
            (Some(refusal), _) => (refusal.digest.clone(), refusal.manifest.clone()),
            (None, edition) => (
                edition.map(|edition| edition.digest.to_string()).unwrap_or_default(),
                self.taken.as_ref().map(Kept::digest).unwrap_or_default(),
            ),
        };
        let revision = edition.map_or(self.record.seen, |edition| edition.revision);
        let (head, module) = (self.record.head.clone(), self.record.module.clone());
        Some((head, State { module, revision, digest, state: state.to_owned(), reason, manifest }))
    }
}
