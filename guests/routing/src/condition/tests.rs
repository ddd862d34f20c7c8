//! What each operator says of values and of their absence.

use tidegate_sdk::Value;
use tidegate_sdk::testing::json;

use super::Condition;

fn holds(written: &serde_json::Value, value: Option<Value<'_>>) -> bool {
    serde_json::from_str::<Condition>(&written.to_string()).unwrap().holds(value)
}

fn text(text: &str) -> Option<Value<'_>> {
    Some(Value::Text(text))
}

#[test]
fn equality_is_of_type_and_value() {
    assert!(holds(&json!("a"), text("a")));
    assert!(!holds(&json!("a"), text("A")));
    assert!(!holds(&json!("17"), Some(Value::Signed(17))));
    assert!(!holds(&json!(17), text("17")));
    assert!(holds(&json!(17), Some(Value::Signed(17))));
    assert!(holds(&json!(17.0), Some(Value::Signed(17))));
    assert!(holds(&json!(17), Some(Value::Double(17.0))));
    assert!(holds(&json!({ "eq": true }), Some(Value::Boolean(true))));
    assert!(!holds(&json!(1), Some(Value::Boolean(true))));
    assert!(!holds(&json!(""), None));
}

#[test]
fn text_is_compared_by_its_start_or_by_a_glob() {
    assert!(holds(&json!({ "prefix": "pay-" }), text("pay-eu")));
    assert!(!holds(&json!({ "prefix": "pay-" }), text("repay-eu")));
    assert!(holds(&json!({ "glob": "*-eu-?" }), text("pay-eu-1")));
    assert!(!holds(&json!({ "glob": "*" }), Some(Value::Signed(1))));
}

#[test]
fn numbers_are_in_a_range() {
    let errors = json!({ "gte": 17, "lt": 21 });
    let inside: Vec<i64> = (15..23).filter(|number| holds(&errors, Some(Value::Signed(*number)))).collect();
    assert_eq!(inside, [17, 18, 19, 20]);
    assert!(holds(&json!({ "gt": 0.5 }), Some(Value::Signed(1))));
    assert!(holds(&json!({ "lte": -1 }), Some(Value::Double(-1.0))));
    assert!(!holds(&json!({ "gte": 0 }), Some(Value::Double(f64::NAN))));
    assert!(holds(&json!({ "gt": 1 }), Some(Value::Unsigned(u64::MAX))));
    assert!(!holds(&json!({ "gt": 0 }), text("1")));
    assert!(!holds(&json!({ "gt": 0 }), None));
}

#[test]
fn any_of_a_list_is_enough() {
    let list = json!(["a", { "prefix": "b" }, 3]);
    for value in [text("a"), text("bc"), Some(Value::Signed(3))] {
        assert!(holds(&list, value) && holds(&json!({ "any": list }), value), "{value:?}");
    }
    assert!(!holds(&list, text("c")));
}

#[test]
fn absence_meets_nothing_but_its_own_conditions() {
    assert!(holds(&json!({ "exists": false }), None));
    assert!(!holds(&json!({ "exists": false }), text("")));
    assert!(holds(&json!({ "exists": true }), text("")));
    assert!(holds(&json!({ "not": "a" }), None));
    assert!(!holds(&json!({ "exists": true, "not": "a" }), None));
    assert!(holds(&json!({ "exists": true, "not": "a" }), text("b")));
}
