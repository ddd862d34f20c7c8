//! Which addresses can be asked.

use super::*;

#[test]
fn an_address_is_whole_and_a_proxy_has_no_secrets() {
    assert!(address("https://a.example/x").is_some() && address("http://[::1]:80").is_some());
    assert!(address("a.example").is_none() && address("ftp://a").is_none() && address("/x").is_none());
    assert!(proxy_of("http://proxy:3128").is_some());
    assert!(proxy_of("http://u:p@proxy:3128").is_none() && proxy_of("https://proxy").is_none());
    assert_eq!(host(&"http://[::1]:80/".parse().unwrap()), "::1");
}
