//! A pair is a `KeyValue` of an attribute map, taken apart where it lies.

use host_otlp::wire::{Field, Fields, WireType};

/// A `KeyValue`, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// The key's text; empty where there is none.
    pub(crate) key: (usize, usize),
    /// The value's tag and content.
    pub(crate) value: Option<(usize, (usize, usize))>,
}

impl Pair {
    /// Takes apart the `KeyValue` at `start..end`. Key and value may stand in any order.
    #[inline(always)]
    pub(crate) fn read(buf: &[u8], start: usize, end: usize) -> Pair {
        // What encoders write: a short key, then a short value, and nothing else.
        if let [0x0a, key_len @ ..0x80, rest @ ..] = &buf[start..end]
            && let Some([0x12, value_len @ ..0x80, value @ ..]) = rest.get(usize::from(*key_len)..)
            && value.len() == usize::from(*value_len)
        {
            let key = (start + 2, start + 2 + usize::from(*key_len));
            return Pair { key, value: Some((key.1, (key.1 + 2, end))) };
        }
        let mut pair = Pair { key: (start, start), value: None };
        for field in Fields::new(buf, start, end) {
            match field.number {
                1 => pair.key = (field.start, field.end),
                2 => pair.value = Some((field.tag, (field.start, field.end))),
                _ => {}
            }
        }
        pair
    }
}

/// The member of the `AnyValue` at `content` that is set.
#[inline(always)]
pub(crate) fn member(buf: &[u8], content: (usize, usize)) -> Option<Field> {
    if let [0x0a, len @ ..0x80, text @ ..] = buf.get(content.0..content.1)?
        && text.len() == usize::from(*len)
    {
        let (tag, end) = content;
        return Some(Field { number: 1, wire: WireType::Len, tag, start: tag + 2, end });
    }
    let mut fields = Fields::new(buf, content.0, content.1);
    let is_member = |field: &Field| (1..=7).contains(&field.number);
    // Nearly always it is the only field.
    let first = fields.next()?;
    if is_member(&first) { Some(first) } else { fields.find(is_member) }
}
