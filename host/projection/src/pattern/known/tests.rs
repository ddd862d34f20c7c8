//! Tests of what stands in `known`: its promises, one sentence each.

use std::sync::Arc;

use super::{FEW, Known};

#[test]
fn is_known_for_as_long_as_somebody_has_it() {
    let known = Known::new();
    let made = known.put("a", 1);
    assert!(Arc::ptr_eq(&made, &known.get("a").unwrap()));
    assert!(Arc::ptr_eq(&made, &known.put("a", 2)), "the first one counts");
    assert_eq!(known.get("b"), None);
    drop(made);
    assert_eq!(known.get("a"), None);
    assert_eq!(*known.put("a", 3), 3);
}

#[test]
fn what_nobody_has_is_forgotten_and_the_rest_is_not() {
    let known = Known::new();
    let kept: Vec<_> = (0..10 * FEW).map(|number| known.put(&format!("kept {number}"), number)).collect();
    for number in 0..100 * FEW {
        known.put(&format!("dropped {number}"), number);
    }
    assert!(known.len() <= 4 * kept.len(), "{}", known.len());
    assert!((0..kept.len()).all(|number| known.get(&format!("kept {number}")).as_deref() == Some(&number)));
}
