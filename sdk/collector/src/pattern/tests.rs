//! What a pattern means in Go it means here.

use super::Pattern;

fn finds(go: &str, text: &str) -> Vec<String> {
    let pattern = Pattern::new("p", go).unwrap();
    let own: Vec<String> =
        pattern.own_regex().unwrap().find_iter(text).map(|found| found.as_str().to_owned()).collect();
    let host = regex::Regex::new(&pattern.source).unwrap_or_else(|error| panic!("{go}: {error}"));
    let hosts: Vec<String> = host.find_iter(text).map(|found| found.as_str().to_owned()).collect();
    assert_eq!(own, hosts, "{go}: the host and the guest find the same");
    own
}

#[test]
fn go_syntax_means_what_it_means_in_go() {
    for (go, text, found) in [
        (r"\b\d{3}-\d{2}\b", "x 123-45 ١٢٣-45", vec!["123-45"]),
        (r"[[]a]", "[a] a", vec!["[a]"]),
        (r"[]a]+", "]a]", vec!["]a]"]),
        (r"[^]]+", "ab]", vec!["ab"]),
        (r"[a&&b]+", "a&b", vec!["a&b"]),
        (r"[+--]+", "+,-.", vec!["+,-"]),
        (r"[a-]+", "a-b", vec!["a-"]),
        (r"[\w.-]+@x", "a.b-c@x", vec!["a.b-c@x"]),
        (r"{[^}]*}", "a {b} c", vec!["{b}"]),
        (r"a{2,3}", "aaaa", vec!["aaa"]),
        (r"a{,2}", "a{,2}", vec!["a{,2}"]),
        (r"\Qa.b\E+", "a.bb", vec!["a.bb"]),
        (r"\x{e9}\101", "éA", vec!["éA"]),
        (r"(?i)secret", "SECret \u{17f}ecret", vec!["SECret", "\u{17f}ecret"]),
        (r"(?i:é)k", "Ék éK é\u{212a}", vec!["Ék"]),
        (r"a(?i)k", "aK AK a\u{212a}", vec!["aK", "a\u{212a}"]),
        (r"(?i)[a-z]+", "x\u{17f}\u{212a}é", vec!["x\u{17f}\u{212a}"]),
        (r"(?i)[s\d]+\w", "\u{17f}1\u{212a}", vec!["\u{17f}1\u{212a}"]),
        ("(?i)\u{17f}", "s S \u{17f}", vec!["s", "S", "\u{17f}"]),
        (r"(?i)[а-я]+", "аЯ\u{1c80}b", vec!["аЯ\u{1c80}"]),
        (r"(?i)\x{44f}\x6B", "Я\u{212a} яk", vec!["Я\u{212a}", "яk"]),
        (r"(?i)[\x{44f}\x6b]+", "Я\u{212a}як", vec!["Я\u{212a}я"]),
        (r"(?i)[\x{80}-\x{10ffff}]+", "Kes\u{17f}é", vec!["K", "s\u{17f}é"]),
        (r"(?i)σ+", "Σςσ", vec!["Σςσ"]),
        (r"(?i)ǆ+", "ǅǄǆ", vec!["ǅǄǆ"]),
        (r"(?i)ß+ı", "ẞßı ßI", vec!["ẞßı"]),
        (r"(?i)[^k]+", "a\u{212a}b", vec!["a", "b"]),
        (r"(?i)[\W]+", "-\u{17f}é", vec!["-", "é"]),
        (r"(?i)[[:word:]]+", "a\u{17f}é", vec!["a\u{17f}"]),
        (r"[\W\D]+", "1-a \u{17f}", vec!["-a \u{17f}"]),
        (r"[^\S\d]+", "1 a\u{b}", vec![" "]),
        (r"\_\-\<", "_-<", vec!["_-<"]),
        (r"[[:alpha:]_]+", "ab_1", vec!["ab_"]),
        (r"\s", "\u{b} \u{a0}", vec![" "]),
        (r".+", "é日", vec!["é日"]),
        (r"[\d\s]+", "1 2\u{662}", vec!["1 2"]),
    ] {
        assert_eq!(finds(go, text), found, "{go}");
    }
}

#[test]
fn what_needs_tables_of_unicode_is_left_to_the_host() {
    let pattern = Pattern::new("blocked_values[0]", r"(?i)\p{Greek}+\pS").unwrap();
    assert!(pattern.regex().is_none());
    assert!(regex::Regex::new(&pattern.source).unwrap().is_match("αΩ+"));
    assert!(pattern.own_regex().unwrap_err().message().starts_with("blocked_values[0]: cannot be run by the module"));
}

#[test]
fn texts_match_as_they_are() {
    let patterns = Pattern::exactly("k", ["a.b", "c|d"]);
    let matches = |text: &str| patterns.iter().any(|pattern| pattern.regex().unwrap().is_match(text));
    assert!(matches("a.b") && matches("c|d"));
    assert!(!matches("axb") && !matches("c") && !matches("a.b\n"));
    assert!(Pattern::exactly("k", []).is_empty());
}

#[test]
fn more_texts_than_the_host_takes_in_one_pattern_are_several() {
    let texts: Vec<String> = (0..1000).map(|at| format!("service.number.{at}")).collect();
    let patterns = Pattern::exactly("k", texts.iter().map(String::as_str));
    assert!((2..64).contains(&patterns.len()) && patterns.iter().all(|pattern| pattern.source.len() <= 4096));
    let matching = |text: &str| patterns.iter().filter(|pattern| pattern.regex().unwrap().is_match(text)).count();
    assert!(texts.iter().all(|text| matching(text) == 1));
    assert_eq!(matching("service.number.1000"), 0);
}
