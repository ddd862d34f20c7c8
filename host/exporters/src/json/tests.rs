//! JSON by example; numbers are held against what Go prints.

use host_otlp::build::{Logs, Value};
use host_otlp::view::{AnyValue, logs};
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{as_text, general, plain, scalar, value};

/// What `write` makes of a value.
fn of<T>(body: Value<'_>, write: impl FnOnce(&AnyValue<'_>) -> T) -> T {
    let mut request = Logs::new();
    request.resource_logs(|resource| {
        resource.scope_logs(|scope| {
            scope.log_record(|record| record.body(body));
        });
    });
    let payload = request.finish();
    let record = logs(&payload).next().unwrap().scope_logs.next().unwrap().log_records.next().unwrap();
    write(&record.body.unwrap())
}

fn json(body: Value<'_>) -> String {
    let mut out = Vec::new();
    of(body, |any| value(&mut out, any));
    String::from_utf8(out).unwrap()
}

#[test]
fn values_of_every_kind_are_written_exactly() {
    let list = [Value::Int(i64::MIN), Value::Double(0.1), Value::Bool(true), Value::Empty];
    let map = [("a\"\n", Value::Array(&list)), ("b", Value::Bytes(&[0, 255])), ("c", Value::Double(f64::NAN))];
    assert_eq!(json(Value::Map(&map)), r#"{"a\"\n":[-9223372036854775808,0.1,true,null],"b":"AP8=","c":"NaN"}"#);
    assert_eq!(json(Value::Double(f64::NEG_INFINITY)), "\"-Inf\"");
}

#[test]
fn a_value_as_text_is_what_the_collector_makes_of_it() {
    let text = |body| of(body, |any| as_text(any).into_owned());
    for (body, wanted) in [
        (Value::Text("t"), "t"),
        (Value::Int(-7), "-7"),
        (Value::Double(1.0), "1"),
        (Value::Double(-0.5), "-0.5"),
        (Value::Double(1e21), "1e+21"),
        (Value::Double(1e-7), "1e-7"),
        (Value::Double(123_456_789.0), "123456789"),
        (Value::Bool(false), "false"),
        (Value::Bytes(&[1, 2]), "AQI="),
        (Value::Array(&[Value::Int(1), Value::Text("x")]), "[1,\"x\"]"),
        (Value::Empty, ""),
    ] {
        assert_eq!(text(body), wanted, "{body:?}");
    }
}

#[test]
fn bounds_are_called_what_go_calls_them() {
    for (number, wanted) in [
        (0.0, "0"),
        (1.0, "1"),
        (100_000.0, "100000"),
        (1_000_000.0, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (1e22, "1e+22"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-2.5, "-2.5"),
        (1e-7, "1e-07"),
        (123_456_789.5, "1.234567895e+08"),
        (f64::INFINITY, "+Inf"),
    ] {
        assert_eq!(general(number), wanted);
    }
}

proptest! {
    #[test]
    fn no_digit_of_a_number_is_lost(number in any::<f64>()) {
        if number.is_finite() {
            let mut out = Vec::new();
            scalar(&mut out, number);
            let json: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            prop_assert_eq!(json.to_bits(), number.to_bits());
            prop_assert_eq!(plain(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
            prop_assert_eq!(general(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
