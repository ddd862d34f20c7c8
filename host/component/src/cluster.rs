//! The cluster that a resource names.

mod key;

use host_otlp::view::{AnyValue, KeyValue, Repeated, Resource};

pub use self::key::{ClusterKey, Subject};

/// A longer text names no cluster.
const LONGEST: usize = 253;

/// The `cluster.id` of a resource, whatever [spelling](ClusterKey) its key has, and also where flattening would make
/// that of it: empty where it has none, one that is no text or too long a one, or several that differ, which are none
/// that could be relied on.
pub fn cluster_of(resource: Option<Resource<'_>>) -> &str {
    let mut named = None;
    let agree = resource.is_none_or(|resource| names(resource.attributes, ClusterKey::Start, &mut named));
    named.filter(|_| agree).unwrap_or_default()
}

/// Notes what is named by entries behind the keys that are `known`; whether all of them name the same.
fn names<'a>(entries: Repeated<'a, KeyValue<'a>>, known: ClusterKey, named: &mut Option<&'a str>) -> bool {
    for entry in entries {
        let known = known.with(entry.key.as_bytes());
        let agree = match (known, entry.value) {
            (ClusterKey::Of(Subject::Cluster), value) => {
                let name = match value {
                    Some(AnyValue::Text(name)) if name.len() <= LONGEST => name,
                    _ => "",
                };
                *named.get_or_insert(name) == name
            }
            (ClusterKey::Start | ClusterKey::Cluster, Some(AnyValue::Map(entries))) => names(entries, known, named),
            _ => true,
        };
        if !agree {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
