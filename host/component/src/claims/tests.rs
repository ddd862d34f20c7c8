//! Tests of claims: their promises, one sentence each.

use super::{Claims, Taken, begin_configuration};

/// All of it in one test, since the count of configurations is the process's.
#[test]
fn what_an_owner_has_of_a_configuration_before_is_not_kept_with_what_it_has_now() {
    let claims: Claims<&str, u8> = Claims::new();
    let draining = claims.claim("old port", "receiver a", 1);
    begin_configuration();
    let _in_force = claims.claim("new port", "receiver a", 2);

    begin_configuration();
    claims.keep("receiver a");
    let taken = Taken { owner: "receiver a".to_owned() };
    assert_eq!(claims.take_over(&"new port", "receiver b").err(), Some(taken.clone()));
    let taken_over = claims.take_over(&"old port", "receiver b").expect("it only drains there");
    assert_eq!(taken_over.as_deref(), Some(&1));
    drop(draining);

    begin_configuration();
    claims.keep("receiver a");
    claims.keep("receiver b");
    assert_eq!(claims.take_over(&"new port", "receiver c").err(), Some(taken));
    assert!(claims.take_over(&"old port", "receiver c").is_err());
}
