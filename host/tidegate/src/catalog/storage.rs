//! What keeps the queues of exporters, and what may not be meant about them.

use host_component::Kind;
use host_config::delivery::{Retry, SendingQueue};
use host_config::{Component, Warning};
use host_queue::Config;

use super::canonical;

/// Says why an extension cannot be a storage.
///
/// # Errors
/// Where it cannot.
pub(super) fn check(extension: &Component) -> Result<(), String> {
    match canonical(Kind::Extension, &extension.id) {
        "file_storage" => Ok(()),
        _ => Err(format!("`{}` keeps nothing: name a `file_storage`", extension.id)),
    }
}

pub(super) fn doubts(component: &Component) -> Vec<Warning> {
    let section = &component.value;
    match component.kind {
        Kind::Extension if canonical(Kind::Extension, &component.id) == "file_storage" => {
            let is_unsafe = section.decode::<Config>().is_ok_and(|config| !config.fsync);
            let told = "without it, a loss of power loses what was acknowledged";
            is_unsafe.then(|| section.problem_at(&["fsync"], told)).into_iter().collect()
        }
        Kind::Exporter => {
            let queue = section.get("sending_queue").and_then(|queue| queue.decode::<SendingQueue>().ok());
            let retry = section.get("retry_on_failure").and_then(|retry| retry.decode::<Retry>().ok());
            let (Some(SendingQueue { storage: Some(_), .. }), Some(retry)) = (queue, retry) else { return Vec::new() };
            let key = match retry.max_elapsed_time {
                _ if !retry.enabled => "enabled",
                Some(limit) if !limit.is_zero() => "max_elapsed_time",
                _ => return Vec::new(),
            };
            let told = "what waits in the `storage` and is not delivered by then is lost, though it was acknowledged: take it out";
            vec![section.problem_at(&["retry_on_failure", key], told)]
        }
        _ => Vec::new(),
    }
}
