//! What Go prints, we print.

use super::{Cell, bytes, scalar};

fn printed(cell: Cell) -> String {
    let mut out = Vec::new();
    scalar(&mut out, cell);
    String::from_utf8(out).unwrap()
}

#[test]
fn numbers_are_printed_as_the_collector_prints_them() {
    for (number, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (99.1, "99.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (2.5e-10, "2.5e-10"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(printed(Cell::Double(number)), text);
    }
    assert_eq!(printed(Cell::Signed(i64::MIN)), "-9223372036854775808");
    assert_eq!(printed(Cell::Boolean(true)), "true");
}

#[test]
fn byte_strings_are_printed_in_base64() {
    let mut out = Vec::new();
    bytes(&mut out, b"ada@b.io");
    assert_eq!(out, b"YWRhQGIuaW8=");
}
