//! Tests of what stands in `listen`: its promises, one sentence each.

use std::net::TcpStream;

use super::{addresses, bind};

#[test]
fn no_host_is_every_address_of_the_machine() {
    let listener = bind(":0", "a test").unwrap();
    let port = listener.local_addr().unwrap().port();
    TcpStream::connect(("127.0.0.1", port)).unwrap();
}

#[test]
fn a_name_with_addresses_of_both_families_means_the_older_one_first() {
    assert!(addresses("localhost:1").unwrap()[0].is_ipv4());
}

#[test]
fn what_is_no_address_is_an_error() {
    for endpoint in ["", ":", ":x", "127.0.0.1", "127.0.0.1:70000"] {
        assert!(bind(endpoint, "a test").is_err(), "{endpoint:?}");
    }
}
