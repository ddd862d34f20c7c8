//! Tests of what stands in `asked`: its promises, one sentence each.

use std::net::IpAddr;

use http::Request;

use super::Asked;

fn asked(uri: &str, host: &str, peer: &str) -> Asked {
    let request = Request::get(uri).header("host", host).body(()).unwrap();
    Asked::of(&request, peer.parse::<IpAddr>().unwrap())
}

#[test]
fn only_this_machine_under_its_own_names_is_local() {
    for host in ["localhost", "LOCALHOST:8888", "127.0.0.1:8888", "[::1]:8888", "[::1]"] {
        assert!(asked("/", host, "127.0.0.1").is_local, "{host}");
    }
    assert!(asked("/", "localhost", "::ffff:127.0.0.1").is_local);
    assert!(!asked("/", "localhost", "10.0.0.7").is_local);
    for host in ["evil.example", "evil.example:8888", "127.0.0.1.evil.example", ""] {
        assert!(!asked("/", host, "127.0.0.1").is_local, "{host}");
    }
}

#[test]
fn parameters_are_decoded() {
    let asked = asked("/x?pipeline=logs/app&after=wasm%2Fa%20b&flag", "x", "127.0.0.1");
    assert_eq!(asked.parameter("pipeline").as_deref(), Some("logs/app"));
    assert_eq!(asked.parameter("after").as_deref(), Some("wasm/a b"));
    assert_eq!(asked.parameter("flag").as_deref(), Some(""));
    assert_eq!(asked.parameter("rate"), None);
}
