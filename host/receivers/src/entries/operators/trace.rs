//! `trace_parser`: ids of a trace and of a span, in hexadecimal.

use crate::entries::entry::{Entry, Value};
use crate::entries::field::Field;
use crate::entries::settings::{From, Trace as Settings};

pub(crate) struct Trace {
    trace_id: Field,
    span_id: Field,
    flags: Field,
}

impl Trace {
    pub(crate) fn new(config: &Settings) -> Result<Self, String> {
        let field = |from: &Option<From>, or: &str| {
            Field::parse(from.as_ref().and_then(|from| from.parse_from.as_deref()).unwrap_or(or))
        };
        Ok(Trace {
            trace_id: field(&config.trace_id, "body.trace_id")?,
            span_id: field(&config.span_id, "body.span_id")?,
            flags: field(&config.trace_flags, "body.trace_flags")?,
        })
    }

    pub(crate) fn run(&self, entry: &mut Entry<'_>) -> Result<(), String> {
        let trace_id = hex::<16>(self.trace_id.get(entry), "trace id")?;
        let span_id = hex::<8>(self.span_id.get(entry), "span id")?;
        let flags = hex::<1>(self.flags.get(entry), "flags of a trace")?;
        entry.trace_id = trace_id.or(entry.trace_id);
        entry.span_id = span_id.or(entry.span_id);
        entry.flags = flags.map_or(entry.flags, |[flags]| u32::from(flags));
        Ok(())
    }
}

fn hex<const N: usize>(value: Option<&Value<'_>>, what: &str) -> Result<Option<[u8; N]>, String> {
    let Some(text) = value.and_then(Value::as_text) else { return Ok(None) };
    let told = || format!("{text:?} is no {what}: {} hexadecimal digits", N * 2);
    if text.len() != N * 2 {
        return Err(told());
    }
    let mut out = [0; N];
    for (byte, digits) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |at: usize| digits.get(at).and_then(|digit| char::from(*digit).to_digit(16)).ok_or_else(told);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Ok(Some(out))
}
