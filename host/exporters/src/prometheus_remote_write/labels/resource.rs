//! What a resource says of all its points, and in `target_info`.

use host_otlp::view::{KeyValue, Resource};

use super::{BadKey, Common, Entry, Keys, Rules};
use crate::prometheus_remote_write::batch::{Symbol, Symbols};
use crate::prometheus_remote_write::text::text;

const SERVICE_NAME: &str = "service.name";
const SERVICE_NAMESPACE: &str = "service.namespace";
const SERVICE_INSTANCE: &str = "service.instance.id";

/// What a resource says.
pub(in crate::prometheus_remote_write) struct ResourceLabels<'a> {
    pub(super) job: Option<Symbol>,
    pub(super) instance: Option<Symbol>,
    /// Those that each point has.
    pub(super) converted: Result<Vec<Entry<'a>>, BadKey>,
    /// Attributes whose values are empty: where a point has them, they are empty there, too.
    pub(super) emptied: Vec<&'a str>,
    /// Those that `target_info` has; none where the resource says nothing but who it is.
    pub(super) described: Option<Result<Vec<Entry<'a>>, BadKey>>,
}

impl<'a> ResourceLabels<'a> {
    pub(in crate::prometheus_remote_write) fn new(
        resource: Option<&Resource<'a>>,
        rules: &Rules,
        common: &mut Common<'a>,
        keys: &mut Keys<'a>,
        symbols: &mut Symbols,
    ) -> Self {
        let mut made = ResourceLabels {
            job: None,
            instance: None,
            converted: Ok(Vec::new()),
            emptied: Vec::new(),
            described: None,
        };
        let (mut name, mut namespace, mut instance) = (None, None, None);
        let row = &mut common.row;
        row.at = 0;
        let Some(resource) = resource else { return made };
        // Each attribute is read once, since reading them is what most of the time goes into.
        for KeyValue { key, value, .. } in resource.attributes.clone() {
            if rules.excluded.iter().any(|excluded| excluded == key) {
                continue;
            }
            let value = text(value.as_ref());
            if rules.conversion.takes(key) {
                match value.is_empty() {
                    true => made.emptied.push(key),
                    false => put(&mut made.converted, Entry::new(key, &value, row, keys, symbols)),
                }
            }
            let identity = match key {
                SERVICE_NAME => &mut name,
                SERVICE_NAMESPACE => &mut namespace,
                SERVICE_INSTANCE => &mut instance,
                _ => {
                    let described = made.described.get_or_insert_with(|| Ok(Vec::new()));
                    if !value.is_empty() {
                        put(described, Entry::new(key, &value, row, keys, symbols));
                    }
                    continue;
                }
            };
            if identity.is_none() {
                *identity = Some(value);
            }
        }
        made.job = name.filter(|name| !name.is_empty()).map(|name| match namespace {
            Some(namespace) => symbols.add(&format!("{namespace}/{name}")),
            None => symbols.add(&name),
        });
        made.instance = instance.filter(|id| !id.is_empty()).map(|id| symbols.add(&id));
        made
    }
}

/// Adds an entry, where all before made labels; the first that makes none stays.
fn put<'a>(entries: &mut Result<Vec<Entry<'a>>, BadKey>, entry: Result<Entry<'a>, BadKey>) {
    match (&mut *entries, entry) {
        (Ok(entries), Ok(entry)) => entries.push(entry),
        (Ok(_), Err(bad)) => *entries = Err(bad),
        (Err(_), _) => {}
    }
}
