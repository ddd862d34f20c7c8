//! Who speaks on a connection, and what that lets its requests say.
//!
//! The gate works out once a connection who is at the other end. Requests are then judged by what it may say, and whoever
//! is not vouched for any more is not listened to.

mod quotas;
mod violations;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host_component::ComponentId;
use host_compression::Room as _;
use host_config::Wrong;
use host_identity::{Config, Denied, Judged, Names, Rules, Speaker, Violation};
use host_otlp::Payload;
use host_telemetry::Metrics;
use host_tls::{Fresh, Peer, Vouched, Watch, read};
use tokio::time::{Instant, sleep};

use self::quotas::Quotas;
pub(crate) use self::quotas::{Announced, Limit, Quota, Share};
use self::violations::Violations;
use super::held::Held;
use super::status::Rejection;

/// The key of the configuration.
pub(crate) const KEY: &str = "identity";
/// How often the list of those who are not let in is looked at.
const LOOK_AT_DENIED: Duration = Duration::from_secs(1);

/// Who may come in to a receiver, and what they may say.
pub(crate) struct Gate {
    rules: Rules,
    denied: Option<Fresh<Denied>>,
    violations: Violations,
    quotas: Quotas,
}

/// Who is at the other end of a connection.
pub(crate) enum Standing {
    /// Nobody has to say who it is.
    Anybody,
    /// Somebody, and what it may send, where that is limited.
    Known(Speaker, Option<Arc<Quota>>),
    /// Somebody who may say nothing, and why.
    Stranger(String),
}

impl Gate {
    /// Reads the rules and the list of those who are not let in.
    ///
    /// # Errors
    /// When a rule makes no sense, or the list cannot be read.
    pub(crate) fn new(id: &ComponentId, config: &Config, base: &Path, metrics: &Metrics) -> Result<Gate, Wrong> {
        let rules = config.build(KEY)?;
        let owner = id.to_string();
        let (violations, quotas) = (Violations::new(&owner, metrics), Quotas::new(&owner, metrics));
        if config.deny_file.as_os_str().is_empty() {
            return Ok(Gate { rules, denied: None, violations, quotas });
        }
        let path = base.join(&config.deny_file);
        let watch = Watch { owner, what: "deny_file", files: vec![path.clone()], interval: LOOK_AT_DENIED };
        let load = move || denied(&path, &|path| read(path));
        let denied = Fresh::new(watch, metrics, load)?;
        Ok(Gate { rules, denied: Some(denied), violations, quotas })
    }

    /// Who has shown this certificate.
    pub(crate) async fn standing(&self, peer: Option<Result<&Peer, &String>>) -> Standing {
        let peer = match peer {
            Some(Ok(peer)) => peer,
            Some(Err(error)) => return Standing::Stranger(error.clone()),
            None => return Standing::Stranger("there is no client certificate that says who sends".to_owned()),
        };
        let names = Names { uris: &peer.uris, dns: &peer.dns_names, common_names: &peer.common_names };
        match self.rules.speaker(&names) {
            Ok(speaker) if self.is_denied(&speaker, peer).await => Standing::Stranger(denied_message(&speaker)),
            Ok(speaker) => {
                let quota = self.quotas.of(&speaker, Instant::now());
                Standing::Known(speaker, quota)
            }
            Err(stranger) => Standing::Stranger(stranger.to_string()),
        }
    }

    async fn is_denied(&self, speaker: &Speaker, peer: &Peer) -> bool {
        match &self.denied {
            Some(denied) => denied.get().await.has(speaker, &peer.serial),
            None => false,
        }
    }

    /// Judges what a speaker sends; what that takes is held for as long as `held` lives.
    pub(crate) fn judge(&self, speaker: &Speaker, payload: Payload, held: &mut Held) -> Result<Judged, Rejection> {
        let items = payload.items();
        let mut told = |violation: &Violation<'_>| self.violations.note(speaker, violation);
        let judged = speaker.judge(payload, &mut told, &mut |bytes| held.grow(bytes));
        let judged = judged.ok_or_else(|| held.no_room())?;
        debug_assert_eq!(judged.payload.items() + judged.refused_items, items, "each item is judged");
        Ok(judged)
    }
}

/// Returns when somebody may speak no more, with the reason.
pub(crate) async fn ended(gate: Option<&Gate>, standing: &Standing, vouched: Option<&Vouched>) -> String {
    let Some(vouched) = vouched else { return std::future::pending().await };
    let denied = async {
        match (gate, standing) {
            (Some(gate), Standing::Known(speaker, _)) if gate.denied.is_some() => loop {
                sleep(LOOK_AT_DENIED).await;
                if gate.is_denied(speaker, &vouched.peer).await {
                    return denied_message(speaker);
                }
            },
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = vouched.ended() => ended.to_string(),
        message = denied => message,
    }
}

fn denied_message(speaker: &Speaker) -> String {
    format!("the identity {:?}, or its certificate, is one that is not let in (identity.deny_file)", speaker.identity())
}

/// What is told to whoever sent resources that were not taken, where others of the same request were, or none was.
pub(crate) fn refusal(speaker: &Speaker, resources: u64) -> String {
    let (what, claim) = match resources {
        1 => ("resource was", "it claims"),
        _ => ("resources were", "they claim"),
    };
    format!(
        "{resources} {what} not taken: {claim} a cluster.id or cluster_role that the identity {:?} may not speak for",
        speaker.identity()
    )
}

/// What is wrong with the list of those who are not let in.
pub(crate) fn denied(path: &Path, read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>) -> Result<Denied, Wrong> {
    let wrong = |message: String| Wrong::new(format!("{KEY}.deny_file"), format!("{}: {message}", path.display()));
    let bytes = read(path).map_err(|error| wrong(format!("the file cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
    Denied::read(&text).map_err(|error| wrong(error.to_string()))
}
