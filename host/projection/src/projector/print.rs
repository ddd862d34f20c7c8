//! Scalars as text, the way the Collector prints them.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::pack::Cell;

/// Appends a number or a truth value.
pub(super) fn scalar(out: &mut Vec<u8>, cell: Cell) {
    let written = match cell {
        Cell::Signed(number) => write!(out, "{number}"),
        Cell::Unsigned(number) => write!(out, "{number}"),
        Cell::Boolean(truth) => write!(out, "{truth}"),
        Cell::Double(number) => double(out, number),
    };
    written.expect("memory takes what is written");
}

/// Appends a byte string in base64.
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(BASE64_STANDARD.encode(bytes).as_bytes());
}

/// The shortest digits that give the number back; with an exponent where JavaScript has one.
fn double(out: &mut Vec<u8>, number: f64) -> std::io::Result<()> {
    let size = number.abs();
    match number {
        _ if number.is_nan() => write!(out, "NaN"),
        _ if number.is_infinite() && number > 0.0 => write!(out, "Infinity"),
        _ if number.is_infinite() => write!(out, "-Infinity"),
        _ if size >= 1e21 => {
            let digits = format!("{number:e}");
            write!(out, "{}", digits.replace('e', "e+"))
        }
        _ if size != 0.0 && size < 1e-6 => write!(out, "{number:e}"),
        _ => write!(out, "{number}"),
    }
}

#[cfg(test)]
mod tests;
