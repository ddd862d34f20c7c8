//! Attributes that are put onto every resource of a request, in its encoding.

use bytes::Bytes;
use host_component::Payload;
use host_otlp::wire::{Field, Fields, put_len};

/// The numbers of the fields on the way: resources in a request, the resource of one, its attributes, key and value of an
/// attribute, and a value that is a text.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const ATTRIBUTES: u32 = 1;
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;

/// `payload` with these attributes on each resource, in the place of any of the same name.
pub(crate) fn with_attributes(payload: &Payload, attributes: &[(String, String)]) -> Payload {
    if attributes.is_empty() {
        return payload.clone();
    }
    let mut added = Vec::new();
    for (key, text) in attributes {
        let (mut value, mut attribute) = (Vec::new(), Vec::new());
        put_len(&mut value, TEXT, text.as_bytes());
        put_len(&mut attribute, KEY, key.as_bytes());
        put_len(&mut attribute, VALUE, &value);
        put_len(&mut added, ATTRIBUTES, &attribute);
    }
    let edited = |buf: &[u8]| {
        let mut out = Vec::with_capacity(buf.len() + added.len());
        for field in Fields::new(buf, 0, buf.len()) {
            match field.number {
                RESOURCES => put_len(&mut out, RESOURCES, &message(buf, &field, &added, attributes)),
                _ => out.extend_from_slice(&buf[field.tag..field.end]),
            }
        }
        Bytes::from(out)
    };
    payload.edited(payload.segments().iter().map(|segment| (edited(segment.bytes()), segment.items())))
}

/// What is in one of a request's resources, with the attributes.
fn message(buf: &[u8], message: &Field, added: &[u8], attributes: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.end - message.start + added.len() + 8);
    let mut resource = Vec::new();
    for field in Fields::new(buf, message.start, message.end) {
        if field.number != RESOURCE {
            out.extend_from_slice(&buf[field.tag..field.end]);
            continue;
        }
        for within in Fields::new(buf, field.start, field.end) {
            let is_replaced = within.number == ATTRIBUTES && {
                let key = Fields::new(buf, within.start, within.end).find(|field| field.number == KEY);
                let key = key.map_or(&[][..], |key| &buf[key.start..key.end]);
                attributes.iter().any(|(name, _)| name.as_bytes() == key)
            };
            if !is_replaced {
                resource.extend_from_slice(&buf[within.tag..within.end]);
            }
        }
    }
    resource.extend_from_slice(added);
    put_len(&mut out, RESOURCE, &resource);
    out
}
