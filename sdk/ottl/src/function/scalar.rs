//! Converters between types, and digests.

use std::borrow::Cow;

use sdk_collector::number;
use sha2::{Digest, Sha256, Sha512};
use tidegate_sdk::Any;

use crate::value::{Val, hex};

/// As an integer; nil stays nil.
pub(super) fn int<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    Ok(match value {
        Val::Nil => Val::Nil,
        Val::Int(int) => Val::Int(*int),
        Val::Double(double) => Val::Int(number::truncated(*double)),
        Val::Bool(truth) => Val::Int(i64::from(*truth)),
        Val::Text(text) => Val::Int(text.parse().map_err(|_| ["`", text, "` is no integer"].concat())?),
        value => return Err(["cannot convert ", value.kind()].concat()),
    })
}

/// As a double; nil stays nil.
pub(super) fn double<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    Ok(match value {
        Val::Nil => Val::Nil,
        Val::Int(int) => Val::Double(*int as f64),
        Val::Double(double) => Val::Double(*double),
        Val::Bool(truth) => Val::Double(f64::from(u8::from(*truth))),
        Val::Text(text) => Val::Double(number::double(text).ok_or_else(|| ["`", text, "` is no number"].concat())?),
        value => return Err(["cannot convert ", value.kind()].concat()),
    })
}

/// As a truth value; nil stays nil.
pub(super) fn truth<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    Ok(match value {
        Val::Nil => Val::Nil,
        Val::Bool(truth) => Val::Bool(*truth),
        Val::Int(int) => Val::Bool(*int != 0),
        Val::Double(double) => Val::Bool(*double != 0.0),
        Val::Text(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Val::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Val::Bool(false),
            text => return Err(["`", text, "` is no truth value"].concat()),
        },
        value => return Err(["cannot convert ", value.kind()].concat()),
    })
}

/// FNV-1a of 64 bits.
pub(super) fn fnv(text: &str) -> i64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step).cast_signed()
}

pub(super) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

pub(super) fn sha512(text: &str) -> String {
    hex(&Sha512::digest(text.as_bytes()))
}

/// The digits of the bytes that a value has: numbers in eight of them, the highest first.
pub(super) fn hex_of<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    Ok(Val::text(match value {
        Val::Nil => String::new(),
        Val::Bytes(bytes) => hex(bytes),
        Val::Text(text) => hex(text.as_bytes()),
        Val::Int(int) => hex(&int.to_be_bytes()),
        Val::Double(double) => hex(&double.to_be_bytes()),
        Val::Bool(truth) => hex(&[u8::from(*truth)]),
        value => return Err(["cannot convert ", value.kind()].concat()),
    }))
}

/// An id of so many bytes.
pub(super) fn id<'a>(value: &Val<'a>, len: usize) -> Result<Val<'a>, String> {
    let bytes = match value {
        Val::Bytes(bytes) => Some(bytes.to_vec()),
        Val::Text(text) => crate::value::unhex(text),
        _ => None,
    };
    let bytes = bytes.filter(|bytes| bytes.len() == len);
    bytes
        .map(|bytes| Val::Bytes(Cow::Owned(bytes)))
        .ok_or_else(|| ["has to have ", &len.to_string(), " bytes"].concat())
}

/// A list or map out of JSON, in which each number is a double.
pub(super) fn parse_json<'a>(text: &str) -> Result<Val<'a>, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match with_doubles(Any::from(json)) {
        any @ (Any::List(_) | Any::Map(_)) => Ok(Val::Any(Cow::Owned(any))),
        _ => Err("is no JSON object or array".to_owned()),
    }
}

fn with_doubles(any: Any) -> Any {
    match any {
        Any::Int(int) => Any::Double(int as f64),
        Any::List(items) => Any::List(items.into_iter().map(with_doubles).collect()),
        Any::Map(entries) => Any::Map(entries.into_iter().map(|(key, value)| (key, with_doubles(value))).collect()),
        any => any,
    }
}

/// An integer out of digits of a base.
pub(super) fn parse_int<'a>(text: &Val<'_>, base: &Val<'_>) -> Result<Val<'a>, String> {
    let (text, base) = (text.as_text()?, base.as_int()?);
    let radix = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    let radix = radix.ok_or_else(|| "the base has to be 2 to 36".to_owned())?;
    let int = i64::from_str_radix(text, radix);
    int.map(Val::Int).map_err(|_| ["`", text, "` is no integer"].concat())
}
