//! A target is one address that is scraped, with the labels that its series get.

use std::fmt::Write as _;
use std::time::Duration;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::{Job, parse_duration, write_duration};
use crate::labels::Labels;
use crate::relabel::Rules;
use crate::table::Subject;

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";
const META: &str = "__meta_";
/// What a path cannot hold.
const NO_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');
/// What a query may hold as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Targets with the labels that all of them have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) targets: Vec<Labels>,
    pub(crate) labels: Labels,
}

/// What tells a target from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TargetKey {
    pub(crate) labels: Labels,
    pub(crate) uri: Uri,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) key: TargetKey,
    pub(crate) subject: Subject,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Group {
    /// One with these addresses.
    pub(crate) fn of<'a>(addresses: impl IntoIterator<Item = &'a String>, labels: Labels) -> Self {
        let target = |address: &String| [(ADDRESS, address.as_str())].into_iter().collect();
        Group { targets: addresses.into_iter().map(target).collect(), labels }
    }

    /// The labels of each target, those of the group among them.
    pub(crate) fn discovered(&self) -> impl Iterator<Item = Labels> {
        self.targets.iter().map(|own| {
            let mut labels = own.clone();
            for (name, value) in self.labels.iter().filter(|(name, _)| !own.has(name)) {
                labels.set(name, value);
            }
            labels
        })
    }
}

impl Target {
    /// What becomes of the labels that were discovered; nothing where relabeling leaves it out.
    ///
    /// # Errors
    /// When no target can be made of them.
    pub(crate) fn new(job: &Job, rules: &Rules, mut labels: Labels) -> Result<Option<Target>, String> {
        let interval = write_duration(job.interval);
        let timeout = write_duration(job.timeout);
        let own = [
            ("job", job.name.as_str()),
            (INTERVAL, &interval),
            (TIMEOUT, &timeout),
            (PATH, &job.path),
            (SCHEME, &job.scheme),
        ];
        for (name, value) in own {
            if !labels.has(name) {
                labels.set(name, value);
            }
        }
        for (name, values) in &job.params {
            let name = format!("{PARAM}{name}");
            if let Some(value) = values.first().filter(|_| !labels.has(&name)) {
                labels.set(name, value.as_str());
            }
        }
        let discovered = labels.clone();
        if !rules.apply(&mut labels) {
            return Ok(None);
        }
        let address = labels.get(ADDRESS).to_owned();
        if address.is_empty() {
            return Err("it has no address".to_owned());
        }
        if address.contains('/') {
            return Err(format!("{address:?} is no address of a target, which is `host:port`"));
        }
        let duration = |name| parse_duration(labels.get(name)).map_err(|error| format!("{name}: {error}"));
        let (interval, timeout) = (duration(INTERVAL)?, duration(TIMEOUT)?);
        if interval.is_zero() || timeout.is_zero() || timeout > interval {
            return Err(format!("it has an interval of {interval:?} and a timeout of {timeout:?}"));
        }
        let uri = uri(job, &labels, &address)?;
        let scheme = labels.get(SCHEME).to_owned();
        labels.retain(|name| !name.starts_with(META) && !name.starts_with("__"));
        if !labels.has("instance") {
            labels.set("instance", address);
        }
        let subject = Subject { labels: labels.clone(), scheme, about: about(&discovered) };
        Ok(Some(Target { key: TargetKey { labels, uri }, subject, interval, timeout }))
    }

    /// A number that stays the same for the same target, wherever it is computed.
    pub(crate) fn hash(&self) -> u64 {
        let mut hash = Fnv::default();
        for (name, value) in self.key.labels.iter() {
            hash.add(name);
            hash.add(value);
        }
        hash.add(&self.key.uri.to_string());
        hash.0
    }
}

/// The replica, of so many, that a target with this hash is of. Where their number changes, few targets move.
pub(crate) fn shard(hash: u64, shards: u32) -> u32 {
    (0..shards).max_by_key(|shard| (mixed(hash ^ mixed(u64::from(*shard) + 1)), *shard)).unwrap_or(0)
}

/// A hash whose bits all depend on all of what was given.
pub(crate) fn mixed(mut value: u64) -> u64 {
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// The hash of Fowler, Noll and Vo, over texts with an end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(pub(crate) u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

fn uri(job: &Job, labels: &Labels, address: &str) -> Result<Uri, String> {
    let scheme = labels.get(SCHEME);
    if !matches!(scheme, "http" | "https") {
        return Err(format!("its scheme is {scheme:?}, and not `http` or `https`"));
    }
    let path = utf8_percent_encode(labels.get(PATH), NO_PATH).to_string();
    let mut text = format!("{scheme}://{address}/{}", path.trim_start_matches('/'));
    let mut params: Vec<(String, Vec<String>)> = job.params.clone().into_iter().collect();
    for (name, value) in labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(PARAM)?, value))) {
        match params.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            },
            None => params.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
    params.sort();
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    for (at, (name, value)) in pairs.enumerate() {
        let encoded = |text: &str| utf8_percent_encode(text, QUERY).to_string().replace("%20", "+");
        // Writing to text cannot fail.
        let _ = write!(text, "{}{}={}", if at == 0 { '?' } else { '&' }, encoded(name), encoded(value));
    }
    let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no address: {error}"))?;
    let has_userinfo = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
    if has_userinfo || uri.host().is_none_or(str::is_empty) {
        return Err(format!("{address:?} is no address of a target, which is `host:port`"));
    }
    Ok(uri)
}

/// What Kubernetes says of a target, as attributes of its resource.
fn about(discovered: &Labels) -> Vec<(&'static str, String)> {
    let kubernetes = |name: &str| discovered.get(&format!("__meta_kubernetes_{name}"));
    let mut about = vec![
        ("k8s.pod.name", kubernetes("pod_name")),
        ("k8s.pod.uid", kubernetes("pod_uid")),
        ("k8s.container.name", kubernetes("pod_container_name")),
        ("k8s.namespace.name", kubernetes("namespace")),
    ];
    let node = ["pod_node_name", "node_name", "endpoint_node_name"].map(kubernetes);
    about.extend(node.into_iter().find(|node| !node.is_empty()).map(|node| ("k8s.node.name", node)));
    let controller = match kubernetes("pod_controller_kind") {
        "ReplicaSet" => Some("k8s.replicaset.name"),
        "DaemonSet" => Some("k8s.daemonset.name"),
        "StatefulSet" => Some("k8s.statefulset.name"),
        "Job" => Some("k8s.job.name"),
        "CronJob" => Some("k8s.cronjob.name"),
        _ => None,
    };
    about.extend(controller.map(|key| (key, kubernetes("pod_controller_name"))));
    about.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value.to_owned())).collect()
}

#[cfg(test)]
mod tests;
