//! The values of edits, encoded once they have been checked.

use host_otlp::wire::{self, WireType};

use super::EditFault;
use super::cell::given;
use super::pieces::checked;
use crate::path::{Class, Path};
use crate::script::{Script, Value};

/// Appends a value that was checked as the member of an `AnyValue`.
pub(super) fn any_value(script: &Script, value: Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(piece) => wire::put_len(out, 1, checked(script, piece)),
        Value::Bytes(piece) => wire::put_len(out, 7, checked(script, piece)),
        Value::Encoded(piece) => out.extend_from_slice(checked(script, piece)),
        Value::Boolean(value) => varint(out, 2, u64::from(value)),
        Value::Signed(value) => varint(out, 3, value as u64),
        Value::Double(value) => eight(out, 4, value.to_bits()),
    }
}

/// Appends field `number` with a value, whose pieces were checked, as `path` holds it.
pub(super) fn fixed(
    script: &Script,
    path: &Path,
    number: u32,
    value: Value,
    out: &mut Vec<u8>,
) -> Result<(), EditFault> {
    let wrong = || EditFault::Type { path: path.to_string(), given: given(value) };
    match (path.field().class, value) {
        (Class::Text | Class::Texts, Value::Text(piece)) => wire::put_len(out, number, checked(script, piece)),
        (class, Value::Bytes(piece)) => {
            let id = class.id().ok_or_else(wrong)?;
            let bytes = checked(script, piece);
            if !id.fits(bytes.len()) {
                return Err(EditFault::Id { path: path.to_string(), len: id.width() });
            }
            wire::put_len(out, number, bytes);
        }
        (Class::Boolean, Value::Boolean(value)) => varint(out, number, u64::from(value)),
        (Class::Double, Value::Double(value)) => eight(out, number, value.to_bits()),
        (Class::Number, Value::Signed(value)) if number == AS_INT => eight(out, number, value as u64),
        (Class::Number, Value::Double(value)) if number != AS_INT => eight(out, number, value.to_bits()),
        (class, Value::Signed(value)) => {
            let out_of_range = || EditFault::Number { path: path.to_string(), value };
            match class {
                Class::Signed32 => {
                    let value = i32::try_from(value).map_err(|_| out_of_range())?;
                    varint(out, number, i64::from(value) as u64);
                }
                Class::Zigzag => {
                    let value = i32::try_from(value).map_err(|_| out_of_range())?;
                    varint(out, number, u64::from((value << 1 ^ value >> 31) as u32));
                }
                Class::Unsigned32 => {
                    varint(out, number, u64::from(u32::try_from(value).map_err(|_| out_of_range())?));
                }
                Class::Fixed32 => {
                    let value = u32::try_from(value).map_err(|_| out_of_range())?;
                    wire::put_tag(out, number, WireType::Fixed32);
                    out.extend_from_slice(&value.to_le_bytes());
                }
                Class::Fixed64 => eight(out, number, u64::try_from(value).map_err(|_| out_of_range())?),
                _ => return Err(wrong()),
            }
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

/// The number of `as_int` in data points and exemplars.
pub(super) const AS_INT: u32 = 6;

fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    wire::put_tag(out, number, WireType::Varint);
    wire::put_varint(out, value);
}

fn eight(out: &mut Vec<u8>, number: u32, bits: u64) {
    wire::put_tag(out, number, WireType::Fixed64);
    out.extend_from_slice(&bits.to_le_bytes());
}
