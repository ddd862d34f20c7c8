//! What a Lease says, and what it says next.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;

/// The Lease with this holder at present, and how long it is to hold.
pub(super) fn held_by(mut lease: Lease, holder: &str, seconds: i32) -> Lease {
    let before = lease.spec.take().unwrap_or_default();
    let now = MicroTime(Timestamp::now());
    let is_another = before.holder_identity.as_deref() != Some(holder);
    let acquired = before.acquire_time.clone().filter(|_| !is_another).unwrap_or_else(|| now.clone());
    let transitions =
        before.lease_transitions.unwrap_or_default() + i32::from(is_another && before.holder_identity.is_some());
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(seconds),
        acquire_time: Some(acquired),
        renew_time: Some(now),
        lease_transitions: Some(transitions),
        ..before
    });
    lease
}

/// The Lease that its holder gives up: anybody may take it at once.
pub(super) fn given_up(mut lease: Lease) -> Lease {
    let before = lease.spec.take().unwrap_or_default();
    let now = MicroTime(Timestamp::now());
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        ..before
    });
    lease
}

pub(super) fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// For how many seconds it says that it holds.
pub(super) fn seconds(lease: &Lease) -> u64 {
    let said = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    said.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default()
}
