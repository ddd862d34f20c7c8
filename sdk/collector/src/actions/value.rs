//! A value on its way through the actions: a cell's, a constant, or what an action has made.

use sha2_guest::{Digest, Sha256};
use tidegate_sdk::{Any, CellId, Edits, NewValue, Value, WriteId};

use super::config::Target;
use super::constant::Constant;
use crate::number;

/// The value of an attribute, at some point.
#[derive(Clone, Debug)]
pub(super) enum Held<'a> {
    Cell(Value<'a>),
    Constant(&'a Constant),
    Text(String),
    Int(i64),
    Double(f64),
}

impl Held<'_> {
    /// The text, where it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Held::Cell(Value::Text(text)) => Some(text),
            Held::Constant(constant) => constant.value().as_text(),
            Held::Text(text) => Some(text),
            _ => None,
        }
    }

    fn to_any(&self) -> Any {
        match self {
            Held::Cell(value) => value.to_any(),
            Held::Constant(constant) => constant.value().clone(),
            Held::Text(text) => Any::Text(text.clone()),
            Held::Int(number) => Any::Int(*number),
            Held::Double(number) => Any::Double(*number),
        }
    }

    fn new_value(&self) -> NewValue<'_> {
        match self {
            Held::Cell(value) => match *value {
                Value::Text(text) => NewValue::Text(text),
                Value::Bytes(bytes) => NewValue::Bytes(bytes),
                Value::Signed(number) => NewValue::Signed(number),
                Value::Unsigned(number) => NewValue::Signed(number.cast_signed()),
                Value::Double(number) => NewValue::Double(number),
                Value::Boolean(truth) => NewValue::Boolean(truth),
                Value::Encoded(encoded) => NewValue::Encoded(encoded),
            },
            Held::Constant(constant) => constant.write(),
            Held::Text(text) => NewValue::Text(text),
            Held::Int(number) => NewValue::Signed(*number),
            Held::Double(number) => NewValue::Double(*number),
        }
    }

    /// Puts it in a cell's place.
    pub(super) fn replace(&self, cell: CellId, edits: &mut Edits) {
        edits.replace(cell, self.new_value());
    }

    /// Gives it to a row that has no such attribute.
    pub(super) fn insert(&self, write: WriteId, key: &str, row: u32, edits: &mut Edits) {
        edits.upsert_key(write, row..row + 1, key, tidegate_sdk::Mode::Upsert, self.new_value());
    }

    /// SHA-256 in hexadecimal digits: of the text, or of a number's bytes, the lowest first. What is neither becomes the
    /// empty text.
    pub(super) fn hash(&self) -> String {
        if let Some(text) = self.text() {
            return sha256(text.as_bytes());
        }
        match self.to_any() {
            Any::Text(text) => sha256(text.as_bytes()),
            Any::Bool(truth) => sha256(&[u8::from(truth)]),
            Any::Int(number) => sha256(&number.to_le_bytes()),
            Any::Double(number) => sha256(&number.to_bits().to_le_bytes()),
            Any::Bytes(_) | Any::List(_) | Any::Map(_) | Any::Empty => String::new(),
        }
    }

    /// The same value as another type; none where it is of that type or cannot be.
    pub(super) fn convert<'a>(&self, target: Target) -> Option<Held<'a>> {
        match (target, self.to_any()) {
            (Target::Text, Any::Text(_)) | (Target::Int, Any::Int(_)) | (Target::Double, Any::Double(_)) => None,
            (Target::Text, any) => Some(Held::Text(any.printed())),
            (Target::Int, Any::Double(double)) => Some(Held::Int(number::truncated(double))),
            (Target::Int, Any::Bool(truth)) => Some(Held::Int(i64::from(truth))),
            (Target::Int, Any::Text(text)) => text.parse().ok().map(Held::Int),
            (Target::Double, Any::Int(number)) => Some(Held::Double(number as f64)),
            (Target::Double, Any::Bool(truth)) => Some(Held::Double(f64::from(u8::from(truth)))),
            (Target::Double, Any::Text(text)) => number::double(&text).map(Held::Double),
            _ => None,
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
