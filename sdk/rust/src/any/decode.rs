//! A value out of its protobuf encoding. The host checked it; what is odd all the same ends the reading.

use super::Any;

/// Deeper values are cut: the host lets none in.
const DEPTH: u32 = 64;

impl Any {
    /// Reads the contents of an `AnyValue` message, such as an encoded cell.
    pub fn decode(bytes: &[u8]) -> Any {
        any(bytes, DEPTH)
    }
}

fn any(bytes: &[u8], depth: u32) -> Any {
    let mut value = Any::Empty;
    let Some(depth) = depth.checked_sub(1) else { return value };
    for (number, field) in Fields(bytes) {
        value = match (number, field) {
            (1, Field::Len(text)) => Any::Text(String::from_utf8_lossy(text).into_owned()),
            (2, Field::Varint(truth)) => Any::Bool(truth != 0),
            (3, Field::Varint(number)) => Any::Int(number.cast_signed()),
            (4, Field::Fixed64(bits)) => Any::Double(f64::from_bits(bits)),
            (5, Field::Len(list)) => Any::List(items(list).map(|item| any(item, depth)).collect()),
            (6, Field::Len(map)) => Any::Map(items(map).map(|item| pair(item, depth)).collect()),
            (7, Field::Len(bytes)) => Any::Bytes(bytes.to_vec()),
            _ => continue,
        };
    }
    value
}

/// The elements of an `ArrayValue` or a `KeyValueList`.
fn items(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    Fields(bytes).filter_map(|(number, field)| match (number, field) {
        (1, Field::Len(item)) => Some(item),
        _ => None,
    })
}

fn pair(bytes: &[u8], depth: u32) -> (String, Any) {
    let (mut key, mut value) = (String::new(), Any::Empty);
    for (number, field) in Fields(bytes) {
        match (number, field) {
            (1, Field::Len(text)) => key = String::from_utf8_lossy(text).into_owned(),
            (2, Field::Len(content)) => value = any(content, depth),
            _ => {}
        }
    }
    (key, value)
}

enum Field<'b> {
    Varint(u64),
    Fixed64(u64),
    Len(&'b [u8]),
    Fixed32,
}

/// The fields of a message, as far as they make sense.
struct Fields<'b>(&'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = (u64, Field<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.first_chunk()?;
                Field::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => {
                let len = self.varint()?;
                Field::Len(self.take(usize::try_from(len).ok()?)?)
            }
            5 => {
                self.take(4)?;
                Field::Fixed32
            }
            _ => return None,
        };
        Some((key >> 3, field))
    }
}

impl<'b> Fields<'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}
