//! The walk finds every claim in encoded telemetry: in attributes of all levels, in what is nested in their values, and in
//! bodies.
//!
//! It goes by the schema, into each message that there is, so that no place is forgotten: what is an attribute is what has
//! the type of one. It leaves out messages that do not have the [word](crate::words) of which each claim has one.

use std::ops::ControlFlow;

use host_component::{ClusterKey, Subject};
use host_otlp::schema::{ANY_VALUE, KEY_VALUE, Kind, Message};
use host_otlp::wire::Fields;

use crate::words::Words;

/// A claim and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) subject: Subject,
    /// None where it is no text.
    pub(crate) value: Option<&'a str>,
    /// Where the content of its `KeyValue` begins.
    pub(crate) start: u32,
}

/// What to do after a claim.
pub(crate) enum Next {
    /// Look into its value, which may hold others.
    Enter,
    Pass,
    Stop,
}

/// Tells of the claims in a message, in the order in which they lie there; broken off where `told` says so. `words` are those
/// of the message, or of one around it.
pub(crate) fn walk<'a, F>(
    message: &'static Message,
    fields: Fields<'a>,
    words: &mut Words<'a>,
    told: &mut F,
) -> ControlFlow<()>
where
    F: FnMut(&Claim<'a>) -> Next,
{
    let buf = fields.buffer();
    for field in fields {
        if !words.any_in(field.start, field.end) {
            continue;
        }
        let Some(Kind::Message(inner)) = message.field(field.number).map(|known| known.kind) else { continue };
        let inside = Fields::new(buf, field.start, field.end);
        if std::ptr::eq(inner, &raw const KEY_VALUE) {
            pair(inside, field.start, ClusterKey::Start, told)?;
        } else if std::ptr::eq(inner, &raw const ANY_VALUE) {
            value(inside, ClusterKey::Start, told)?;
        } else {
            walk(inner, inside, words, told)?;
        }
    }
    ControlFlow::Continue(())
}

/// The key of a `KeyValue`, and the fields of its value.
pub(crate) fn parts(fields: Fields<'_>) -> (&[u8], Option<Fields<'_>>) {
    let buf = fields.buffer();
    let (mut key, mut value) = (&[][..], None);
    for field in fields {
        match field.number {
            1 => key = &buf[field.start..field.end],
            2 => value = Some(Fields::new(buf, field.start, field.end)),
            _ => {}
        }
    }
    (key, value)
}

/// An attribute, or an entry of a map at the end of `path`.
fn pair<'a, F>(fields: Fields<'a>, start: usize, path: ClusterKey, told: &mut F) -> ControlFlow<()>
where
    F: FnMut(&Claim<'a>) -> Next,
{
    let (key, held) = parts(fields);
    let path_with = path.with(key);
    // A map's entry counts by its own key, too: somebody may take it out of there.
    let alone = if path == ClusterKey::Start { path_with } else { ClusterKey::Start.with(key) };
    if let (ClusterKey::Of(subject), _) | (_, ClusterKey::Of(subject)) = (path_with, alone) {
        let claim = Claim { subject, value: held.clone().and_then(text), start: start as u32 };
        match told(&claim) {
            Next::Enter => {}
            Next::Pass => return ControlFlow::Continue(()),
            Next::Stop => return ControlFlow::Break(()),
        }
    }
    match held {
        Some(held) => value(held, path_with, told),
        None => ControlFlow::Continue(()),
    }
}

/// A value at the end of `path`.
fn value<'a, F>(fields: Fields<'a>, path: ClusterKey, told: &mut F) -> ControlFlow<()>
where
    F: FnMut(&Claim<'a>) -> Next,
{
    let buf = fields.buffer();
    for field in fields {
        let elements = || Fields::new(buf, field.start, field.end).filter(|element| element.number == 1);
        match field.number {
            // Whoever flattens an array puts numbers into the key.
            5 => {
                for element in elements() {
                    value(Fields::new(buf, element.start, element.end), ClusterKey::Other, told)?;
                }
            }
            6 => {
                for element in elements() {
                    pair(Fields::new(buf, element.start, element.end), element.start, path, told)?;
                }
            }
            _ => {}
        }
    }
    ControlFlow::Continue(())
}

/// What an `AnyValue` says that is a text.
fn text(mut fields: Fields<'_>) -> Option<&str> {
    let buf = fields.buffer();
    let text = fields.find(|field| field.number == 1)?;
    std::str::from_utf8(&buf[text.start..text.end]).ok()
}
