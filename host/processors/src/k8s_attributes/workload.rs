//! The names of workloads, by those of what they have made: nobody has to be asked for them.

use host_kubernetes::objects::Pod;

/// The label that a Deployment gives its pods, and the end of the names of its ReplicaSets.
const HASH: &str = "pod-template-hash";
/// Digits at the end of the name of a Job that a CronJob has made: minutes since the Unix epoch.
const MINUTES: usize = 8;
/// By how much a pod may be younger or older than that says.
const DAY: i64 = 24 * 60 * 60;

/// The Deployment whose ReplicaSet this pod is of, if it is one's.
pub(super) fn deployment<'a>(pod: &Pod, replica_set: &'a str) -> Option<&'a str> {
    let hash = pod.metadata.labels.get(HASH).filter(|hash| !hash.is_empty())?;
    replica_set.strip_suffix(hash.as_str())?.strip_suffix('-').filter(|name| !name.is_empty())
}

/// The CronJob that has made this Job, if one has: when it was due stands in the name, and the pod came at about that time.
pub(super) fn cron_job(created: Option<i64>, job: &str) -> Option<&str> {
    let (name, minutes) = job.rsplit_once('-').filter(|(name, _)| !name.is_empty())?;
    if minutes.len() != MINUTES || !minutes.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let due = minutes.parse::<i64>().ok()? * 60;
    (created?.abs_diff(due) <= DAY.unsigned_abs()).then_some(name)
}
