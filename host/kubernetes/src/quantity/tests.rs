//! Amounts are what Kubernetes makes of them.

use super::parse;

#[test]
fn reads_every_suffix() {
    for (text, amount) in [
        ("0", 0.0),
        ("0Mi", 0.0),
        ("2", 2.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("+3", 3.0),
        ("500m", 0.5),
        ("250u", 0.000_25),
        ("100k", 100_000.0),
        ("100M", 1e8),
        ("3E", 3e18),
        ("5Ei", 5_764_607_523_034_234_880.0),
        ("2e3", 2000.0),
        ("2E3", 2000.0),
        ("5e-1", 0.5),
        ("128Mi", 134_217_728.0),
        ("1.5Gi", 1_610_612_736.0),
        ("32564740Ki", 33_346_293_760.0),
    ] {
        let parsed = parse(text).unwrap();
        assert!((parsed - amount).abs() <= amount * 1e-12, "{text}: {parsed}");
    }
}

#[test]
fn what_is_no_amount_is_nothing() {
    for text in ["", "-1", "m", "1.2.3", "1Kb", "1 Gi", "NaN", "inf", "e3", "1e", "1e999", "é", "1é"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}
