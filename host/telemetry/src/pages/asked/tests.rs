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
fn an_address_under_which_others_know_this_machine_is_not_its_own() {
    for host in ["10.0.0.7:8888", "203.0.113.7", "0.0.0.0:8888", "[fe80::1]:8888", "[::ffff:10.0.0.7]", "[::1"] {
        assert!(!asked("/", host, "127.0.0.1").is_local, "{host}");
    }
    assert!(asked("/", "[::ffff:127.0.0.1]:8888", "::1").is_local);
    assert!(!asked("http://evil.example/", "localhost", "127.0.0.1").is_local);
    let twice = Request::get("/").header("host", "localhost").header("host", "evil.example").body(()).unwrap();
    assert!(!Asked::of(&twice, "127.0.0.1".parse().unwrap()).is_local);
}

#[test]
fn what_was_passed_on_for_somebody_else_is_not_local() {
    for header in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"] {
        let request = Request::get("/").header("host", "localhost").header(header, "10.0.0.7").body(()).unwrap();
        assert!(!Asked::of(&request, "127.0.0.1".parse().unwrap()).is_local, "{header}");
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
