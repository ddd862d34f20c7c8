//! The cluster that a resource names.

use host_otlp::view::{AnyValue, Resource};

const KEY: &str = "cluster.id";
/// A longer text names no cluster.
const LONGEST: usize = 253;

/// The `cluster.id` of a resource: empty where it has none, one that is no text or too long a one, or several that differ, which are
/// none that could be relied on.
pub fn cluster_of(resource: Option<Resource<'_>>) -> &str {
    let attributes = resource.into_iter().flat_map(|resource| resource.attributes);
    let mut named = attributes.filter(|attribute| attribute.key == KEY).map(|attribute| match attribute.value {
        Some(AnyValue::Text(name)) if name.len() <= LONGEST => name,
        _ => "",
    });
    let Some(first) = named.next() else { return "" };
    if named.all(|name| name == first) { first } else { "" }
}
