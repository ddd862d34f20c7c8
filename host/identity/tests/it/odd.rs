//! Requests with claims in them: keys of attributes and values are replaced, in any place and spelling, behind the back of
//! whoever made the request.

use host_otlp::schema::{ANY_VALUE, KEY_VALUE};
use host_otlp::view::View;
use host_otlp::wire::{WireType, put_len, put_tag, put_varint};

use crate::entropy::Entropy;

/// Spellings of the two keys, parts of them, and keys that are neither.
const KEYS: [&str; 16] = [
    "cluster.id",
    "cluster_id",
    "Cluster-ID",
    "CLUSTER.ROLE",
    "cluster_role",
    "__cluster__id__",
    "cluster\u{df}id",
    "_cluster.id",
    "cluster",
    "id",
    "role",
    "",
    ".",
    "k8s.cluster.id",
    "cluster.id.of",
    "clusterid",
];

const CLUSTERS: [&str; 6] = ["a", "a", "a", "b", "edge", ""];

/// The request with claims in some of its attributes and values, in many or in few, and with attributes added that are
/// claims.
pub(crate) fn claiming(view: View<'_>, e: &mut Entropy<'_>) -> Vec<u8> {
    let rarity = e.pick(&[2, 4, 16, 64]);
    message(view, rarity, e)
}

fn message(view: View<'_>, rarity: usize, e: &mut Entropy<'_>) -> Vec<u8> {
    if std::ptr::eq(view.message, &raw const ANY_VALUE) && e.below(rarity) == 1 {
        return value(e, 3);
    }
    let mut out = Vec::new();
    for field in view.fields() {
        let Some(inner) = view.enter(&field) else {
            out.extend_from_slice(&view.buf[field.tag..field.end]);
            continue;
        };
        let is_claim = std::ptr::eq(inner.message, &raw const KEY_VALUE) && e.below(rarity) == 1;
        let content = if is_claim { pair(e, 3) } else { message(inner, rarity, e) };
        put_len(&mut out, field.number, &content);
    }
    let is_list = |number: &u32| view.message.field(*number).is_some_and(|field| field.name.ends_with("attributes"));
    // One more, at the end of its message and not beside the others.
    if e.below(rarity * 2) == 1
        && let Some(number) = (1..17).find(is_list)
    {
        put_len(&mut out, number, &pair(e, 3));
    }
    out
}

/// A `KeyValue`, its fields in either order, or without one of them.
fn pair(e: &mut Entropy<'_>, depth: usize) -> Vec<u8> {
    keyed(e.below(256), &KEYS, e, depth)
}

fn keyed(shape: usize, keys: &[&str], e: &mut Entropy<'_>, depth: usize) -> Vec<u8> {
    let (mut key, mut held) = (Vec::new(), Vec::new());
    // Keys that are one when they are joined.
    let is_path = depth > 0 && shape >= 192;
    put_len(&mut key, 1, if is_path { "cluster" } else { e.pick(keys) }.as_bytes());
    if is_path {
        let (mut map, mut content) = (Vec::new(), Vec::new());
        put_len(&mut map, 1, &keyed(e.below(192), &["id", "Role", "", "x"], e, 0));
        put_len(&mut content, 6, &map);
        put_len(&mut held, 2, &content);
    } else {
        put_len(&mut held, 2, &value(e, depth));
    }
    match shape % 16 {
        0 | 1 => [held, key].concat(),
        2 => key,
        3 => held,
        _ => [key, held].concat(),
    }
}

/// An `AnyValue`.
fn value(e: &mut Entropy<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut list = |number, e: &mut Entropy<'_>, element: fn(&mut Entropy<'_>, usize) -> Vec<u8>| {
        let mut elements = Vec::new();
        for _ in 0..e.below(3) {
            put_len(&mut elements, 1, &element(e, depth - 1));
        }
        put_len(&mut out, number, &elements);
    };
    match e.below(10) {
        0 if depth > 0 => list(5, e, value),
        1 | 2 if depth > 0 => list(6, e, pair),
        3 => {
            put_tag(&mut out, 3, WireType::Varint);
            put_varint(&mut out, 7);
        }
        4 => put_len(&mut out, 7, b"b"),
        5 => {}
        _ => put_len(&mut out, 1, e.pick(&CLUSTERS).as_bytes()),
    }
    out
}
