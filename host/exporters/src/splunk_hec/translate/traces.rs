//! Spans as events: an object with everything that a span says, and the resource as its fields.

use host_otlp::Payload;
use host_otlp::view::{self, AnyValue, KeyValue, Repeated, Span};

use super::{Gathered, Heading};
use crate::json::{self, Object, hex};
use crate::splunk_hec::event::{Fields, Place};

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

pub(super) fn translate(payload: &Payload, gathered: &mut Gathered<'_>) {
    let shape = gathered.shape;
    for resource_spans in view::traces(payload) {
        let (place, attributes) = Place::of(shape, resource_spans.resource.as_ref());
        let mut fields = Fields::default();
        for attribute in &attributes {
            fields.dimension(attribute);
        }
        fields.settle();
        for span in resource_spans.scope_spans.clone().flat_map(|scope_spans| scope_spans.spans) {
            gathered.add(Heading::of(&place), |out| {
                let mut event = Object::open(out);
                write(event.key("event"), &span);
                if !fields.is_empty() {
                    let mut object = Object::open(event.key("fields"));
                    fields.write(&mut object, |_| false);
                    object.close();
                }
                place.write(&mut event, span.start_time_unix_nano);
                event.close();
            });
        }
    }
}

/// The members in the Collector's order.
fn write(out: &mut Vec<u8>, span: &Span<'_>) {
    let name = |names: &[&'static str], number: i32| {
        usize::try_from(number).ok().and_then(|number| names.get(number).copied()).unwrap_or_default()
    };
    let mut object = Object::open(out);
    object.member("trace_id", id(span.trace_id));
    object.member("span_id", id(span.span_id));
    object.member("parent_span_id", id(span.parent_span_id));
    object.member("name", span.name);
    attributes(&mut object, &span.attributes);
    object.member("end_time", span.end_time_unix_nano);
    object.member("kind", name(&KINDS, span.kind));
    let mut status = Object::open(object.key("status"));
    let (message, code) = span.status.as_ref().map_or(("", 0), |status| (status.message, status.code));
    status.member("message", message);
    status.member("code", name(&CODES, code));
    status.close();
    object.member("start_time", span.start_time_unix_nano);
    if span.events.clone().next().is_some() {
        json::list(object.key("events"), span.events.clone(), |out, happened| {
            let mut object = Object::open(out);
            attributes(&mut object, &happened.attributes);
            object.member("name", happened.name);
            object.member("timestamp", happened.time_unix_nano);
            object.close();
        });
    }
    if span.links.clone().next().is_some() {
        json::list(object.key("links"), span.links.clone(), |out, link| {
            let mut object = Object::open(out);
            attributes(&mut object, &link.attributes);
            object.member("trace_id", id(link.trace_id));
            object.member("span_id", id(link.span_id));
            object.member("trace_state", link.trace_state);
            object.close();
        });
    }
    object.close();
}

/// An id in hexadecimal; empty where it is not set.
fn id(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| *byte == 0) { String::new() } else { hex(bytes) }
}

fn attributes(object: &mut Object<'_>, attributes: &Repeated<'_, KeyValue<'_>>) {
    if attributes.clone().next().is_none() {
        return;
    }
    let mut inner = Object::open(object.key("attributes"));
    for attribute in attributes.clone() {
        json::value(inner.key(attribute.key), &attribute.value.unwrap_or(AnyValue::Empty));
    }
    inner.close();
}
