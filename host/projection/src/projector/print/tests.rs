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

#[test]
fn guests_print_scalars_as_the_host_does() {
    use tidegate_sdk::Any;

    let mut seed = 1_u64;
    for round in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let few = seed >> (seed % 64);
        let double = match round % 3 {
            0 => f64::from_bits(seed),
            1 => few as f64,
            _ => few as f64 / 1e7,
        };
        for (cell, any) in [
            (Cell::Signed(few.cast_signed()), Any::Int(few.cast_signed())),
            (Cell::Double(double), Any::Double(double)),
            (Cell::Boolean(round % 2 == 0), Any::Bool(round % 2 == 0)),
        ] {
            assert_eq!(printed(cell), any.printed(), "{any:?}");
        }
        let string = &seed.to_le_bytes()[..round % 9];
        let mut out = Vec::new();
        bytes(&mut out, string);
        assert_eq!(out, Any::Bytes(string.to_vec()).printed().into_bytes());
    }
    for double in [0.0, -0.0, 1e20, 1e21, -1e21, 1e-6, 9.9e-7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN] {
        assert_eq!(printed(Cell::Double(double)), Any::Double(double).printed());
    }
}
