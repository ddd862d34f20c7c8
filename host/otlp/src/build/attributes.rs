//! Attributes that stand in many messages, encoded once.

use super::{Buffer, Value};
use crate::wire::Fields;

/// Attributes as they stand in a message, whatever the number of their field is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Box<[u8]>);

impl Attributes {
    /// Encodes the pairs; no key is to stand twice.
    pub fn of<'v, V: Into<Value<'v>>>(pairs: impl IntoIterator<Item = (&'v str, V)>) -> Self {
        let mut buffer = Buffer::default();
        for (key, value) in pairs {
            buffer.attribute(1, key, value.into());
        }
        Attributes(buffer.bytes.into())
    }

    /// What they take.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// As they stand in a resource, whose field 1 they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn write(&self, number: u32, out: &mut Buffer) {
        for field in Fields::new(&self.0, 0, self.0.len()) {
            out.len(number, &self.0[field.start..field.end]);
        }
    }
}
