//! What an instance says of where a target is.

use super::{is_discernible, split};

#[test]
fn an_instance_is_a_host_and_a_port() {
    assert_eq!(split("10.0.0.1:9100"), ("10.0.0.1", "9100"));
    assert_eq!(split("[::1]:9100"), ("::1", "9100"));
    assert_eq!(split("web"), ("web", ""));
    assert_eq!(split("fe80::1"), ("fe80::1", ""));
}

#[test]
fn hosts_that_every_machine_has_are_not_told() {
    for host in ["localhost", "127.0.0.1", "::1", "0.0.0.0", ""] {
        assert!(!is_discernible(host), "{host}");
    }
    assert!(is_discernible("10.0.0.1") && is_discernible("web"));
}
