//! What fits a glob, and what does not.

use super::matches;

#[test]
fn fits_as_a_shell_would_say() {
    for (glob, text) in [
        ("", ""),
        ("abc", "abc"),
        ("*", ""),
        ("*", "anything"),
        ("a*", "a"),
        ("*secret*", "my.secret.key"),
        ("pay-*-v?", "pay-eu-west-v2"),
        ("*ab", "aab"),
        ("*a*b*", "xxaxxbxx"),
        ("?", "é"),
        ("caf?!", "café!"),
        ("*é", "éé"),
    ] {
        assert!(matches(glob, text), "{glob:?} fits {text:?}");
    }
    for (glob, text) in [
        ("", "a"),
        ("abc", "abcd"),
        ("abc", "ab"),
        ("?", ""),
        ("?", "ab"),
        ("a*b", "acbd"),
        ("pay-*-v?", "pay-v2"),
        ("*ab*ab", "cab"),
    ] {
        assert!(!matches(glob, text), "{glob:?} does not fit {text:?}");
    }
}

#[test]
fn many_stars_take_no_exponential_time() {
    let glob = "*a".repeat(200) + "b";
    assert!(!matches(&glob, &"a".repeat(5_000)));
}
