//! Telling what has become of heads: why one is refused, once, and how all of them stand.

use std::collections::BTreeMap;

use host_wasm::Standing;

use super::{Follower, Head, Key};
use crate::head::Rejected;
use crate::report::{Complaint, DIGITS, LIVE, Said, State};
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
    pub(super) async fn reject(&mut self, key: &Key, refusal: Refusal) {
        let Some(head) = self.heads.get_mut(key) else { return };
        let (name, module) = key;
        if head.refusal.as_ref().is_some_and(|known| known.is_same(&refusal)) {
            return;
        }
        let Refusal { digest, manifest, rejected } = &refusal;
        let (reason, message) = (rejected.reason(), rejected.to_string());
        let (uid, manifest) = (head.uid.clone(), manifest.clone());
        self.meters.rejected(module, reason);
        tracing::warn!(head = name, module, digest, reason, %message, "a pushed module is refused, and what ran before runs on");
        head.refusal = Some(refusal);
        if let Some(api) = self.api().await {
            let namespace = self.namespace_of(&api);
            let complaint = Complaint { head: name, uid, manifest: &manifest, reason, message: &message };
            self.reporter.tell(&api, &namespace, &complaint).await;
        }
    }

    pub(super) async fn report(&mut self) {
        let said = self.said();
        if !self.reporter.is_due(&said) {
            return;
        }
        if let Some(api) = self.api().await {
            let namespace = self.namespace_of(&api);
            if !self.reporter.report(&api, &namespace, said).await {
                self.meters.failures.inc();
            }
        }
    }

    /// How all stand that a processor is of: of others there is nothing to say.
    fn said(&self) -> Said {
        let is_run = |module: &String| self.sandbox.processors_of(module) > 0;
        let mut wanted: BTreeMap<String, String> = self
            .sandbox
            .shelf()
            .wanted()
            .borrow()
            .iter()
            .filter(|module| is_run(module))
            .map(|module| (module.clone(), self.missing(module).to_owned()))
            .collect();
        let heads: Vec<State> =
            self.heads.values().filter_map(Head::state).filter(|state| wanted.contains_key(&state.module)).collect();
        for head in &heads {
            wanted.insert(head.module.clone(), String::new());
        }
        Said { wanted, heads, left_out: 0 }
    }

    /// Why nothing can be said of a module.
    fn missing(&self, module: &str) -> &'static str {
        let is_there = self.heads.values().any(|head| head.is_there && head.record.module == module);
        match (is_there, self.has_listed) {
            (true, _) => "what was pushed was not fetched yet",
            (false, true) => "nothing was pushed yet",
            (false, false) => "the API server has not said yet what was pushed",
        }
    }
}

impl Head {
    /// What a host says of it on its own pod.
    fn state(&self) -> Option<State> {
        let (head, edition) = (self.record.head.clone(), self.edition.as_ref());
        let module = self.record.module.clone();
        let revision = edition.map_or(self.record.seen, |edition| edition.revision);
        if let Some(Refusal { digest, manifest, rejected }) = &self.refusal {
            let (state, reason) = (rejected.reason().to_owned(), rejected.to_string());
            let (digest, manifest) = (short(digest), short(manifest));
            return Some(State { head, module, revision, digest, state, reason, manifest, since: None });
        }
        let since = self.live.filter(|_| self.standing == Some(Standing::Live));
        let state = if since.is_some() { LIVE } else { "Compiling" }.to_owned();
        let (digest, reason) = (short(&edition?.digest.to_string()), String::new());
        let manifest = short(&self.taken.as_ref().map(Kept::digest).unwrap_or_default());
        Some(State { head, module, revision, digest, state, reason, manifest, since })
    }
}

/// As many digits of a digest as tell it from others.
fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests;
