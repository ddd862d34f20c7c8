//! What a pattern means in Go it means to the host. What either engine takes is tested where both are.

use regex::Regex;

use super::from_go_for_host;

#[test]
fn the_host_finds_what_go_finds() {
    for (go, text, found) in [
        (r"^{", "{\"a\":1}", Some("{")),
        (r"\bx\b", "éx x", Some("x")),
        (r"a\Bé", "aé", None),
        (r"\d+", "١٢ 12", Some("12")),
        (r"(?i)(?P<kind>K)eks", "\u{212a}eks", Some("\u{212a}eks")),
        (r"(?i)(?<kind>s)+", "S\u{17f}", Some("S\u{17f}")),
        (r"(?s)a.b", "a\nb", Some("a\nb")),
    ] {
        let pattern = Regex::new(&from_go_for_host(go)).unwrap_or_else(|error| panic!("{go}: {error}"));
        assert_eq!(pattern.find(text).map(|found| found.as_str()), found, "{go}");
    }
    let named = Regex::new(&from_go_for_host(r"(?i)(?P<kind>k)")).unwrap();
    assert!(named.captures("K").unwrap().name("kind").is_some());
}
