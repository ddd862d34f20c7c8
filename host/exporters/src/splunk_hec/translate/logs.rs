//! Log records as events: the body is the event, everything else its fields.

use std::borrow::Cow;

use host_otlp::Payload;
use host_otlp::view::{self, AnyValue, KeyValue, LogRecord};

use super::{Gathered, Heading};
use crate::json::{self, Object, as_text, hex};
use crate::left_out::LeftOut;
use crate::splunk_hec::event::{Field, Fields, Place};

/// The scope of log records that a profiler has made.
const PROFILING: &str = "otel.profiling";

pub(super) fn translate<'a>(payload: &'a Payload, gathered: &mut Gathered<'a>) {
    let shape = gathered.shape;
    for resource_logs in view::logs(payload) {
        let (place, attributes) = Place::of(shape, resource_logs.resource.as_ref());
        for scope_logs in resource_logs.scope_logs.clone() {
            let is_profiling = scope_logs.scope.is_some_and(|scope| scope.name == PROFILING);
            let is_wanted = if is_profiling { shape.with_profiling } else { shape.with_logs };
            for record in scope_logs.log_records {
                if is_wanted {
                    event(&record, place.clone(), &attributes, is_profiling, gathered);
                } else {
                    gathered.left_out.add(LeftOut::NOT_WANTED, 1);
                }
            }
        }
    }
}

/// What an event of Splunk's cannot be without: the body, or the name of an event that has none.
fn body<'a>(record: &LogRecord<'a>) -> Option<AnyValue<'a>> {
    match record.body.clone() {
        None | Some(AnyValue::Empty | AnyValue::TextIndex(_) | AnyValue::Text("")) => {
            (!record.event_name.is_empty()).then_some(AnyValue::Text(record.event_name))
        }
        Some(body) => Some(body),
    }
}

fn event<'a>(
    record: &LogRecord<'a>,
    mut place: Place<'a>,
    resource: &[KeyValue<'a>],
    is_profiling: bool,
    gathered: &mut Gathered<'a>,
) {
    let shape = gathered.shape;
    let Some(body) = body(record) else {
        gathered.left_out.add(LeftOut::WITHOUT_BODY, 1);
        return;
    };
    // A token is a resource's to name.
    let token = place.token.clone();
    let own: Vec<KeyValue<'a>> = record.attributes.clone().filter(|attribute| !place.takes(shape, attribute)).collect();
    place.token = token;
    if shape.is_raw {
        let heading = Heading { is_profiling, ..Heading::raw(&place) };
        gathered.add(heading, |out| {
            out.extend_from_slice(as_text(&body).as_bytes());
            out.push(b'\n');
        });
        return;
    }
    let names = &shape.fields;
    let mut fields = Fields::default();
    for (name, id) in [("span_id", record.span_id), ("trace_id", record.trace_id)] {
        if id.iter().any(|byte| *byte != 0) {
            fields.set(name, Field::Text(hex(id).into()));
        }
    }
    for (name, text) in [(&names.severity_text, record.severity_text), (&names.name, record.event_name)] {
        if !text.is_empty() {
            fields.set(name.as_str(), Field::Text(Cow::Borrowed(text)));
        }
    }
    if record.severity_number != 0 {
        fields.set(names.severity_number.as_str(), Field::Int(i64::from(record.severity_number)));
    }
    for attribute in resource.iter().cloned().chain(own) {
        fields.flatten(Cow::Borrowed(attribute.key), attribute.value.unwrap_or(AnyValue::Empty));
    }
    fields.settle();
    let time = if record.time_unix_nano > 0 { record.time_unix_nano } else { record.observed_time_unix_nano };
    let heading = Heading { is_profiling, ..Heading::of(&place) };
    gathered.add(heading, |out| {
        let mut event = Object::open(out);
        json::value(event.key("event"), &body);
        if !fields.is_empty() {
            let mut object = Object::open(event.key("fields"));
            fields.write(&mut object, |_| false);
            object.close();
        }
        place.write(&mut event, time);
        event.close();
    });
}
