//! Where entries begin and end, whatever the bytes are and however they come.

use proptest::prelude::*;

use crate::entries::lines::Splitter;
use crate::entries::operators::{parse_container, path_metadata};
use crate::file_log::Config;
use crate::file_log::probe;

fn all(splitter: &Splitter, bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(token) = splitter.next(bytes, at) {
        assert!(token.next > at, "it goes on");
        found.push(bytes[token.content].to_vec());
        at = token.next;
    }
    (found, at)
}

fn splitter() -> Splitter {
    let config = Config {
        preserve_leading_whitespaces: true,
        preserve_trailing_whitespaces: true,
        max_log_size: crate::entries::settings::Size(1 << 10),
        ..Config::default()
    };
    Splitter::new(config.cut()).unwrap()
}

proptest! {
    #[test]
    fn lines_are_what_was_written_wherever_reading_stops(
        lines in prop::collection::vec("[a-zäß ]{0,40}", 0..40), cut in any::<prop::sample::Index>(),
    ) {
        let splitter = splitter();
        let bytes: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
        let cut = cut.index(bytes.len() + 1);
        let (mut found, at) = all(&splitter, &bytes[..cut]);
        found.extend(all(&splitter, &bytes[at..]).0);
        let wanted: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn no_byte_is_lost_of_what_is_too_long(bytes in prop::collection::vec(b'a'..=b'd', 0..5_000)) {
        let splitter = splitter();
        let (found, at) = all(&splitter, &bytes);
        prop_assert!(found.iter().all(|entry| entry.len() <= 1 << 10));
        prop_assert_eq!(found.concat(), bytes[..at].to_vec());
        prop_assert!(bytes.len() - at <= 1 << 10);
    }

    #[test]
    fn no_text_upsets_the_parsers(text in ".{0,200}") {
        let _ = path_metadata(&text);
        probe::container(&text);
        probe::json(&text, true);
        let _ = crate::entries::expression::Expression::parse(&text);
        let _ = crate::entries::field::Field::parse(&text);
    }

    #[test]
    fn what_the_fuzz_targets_check_holds(how in any::<u8>(), bytes in prop::collection::vec(prop::sample::select(b"aA ;\n\r\0\xc3\xa9".to_vec()), 0..3_000)) {
        probe::split(how, &bytes);
    }

    #[test]
    fn an_object_is_what_serde_json_takes_for_one(text in r#"\{("[ab]{0,2}":([0-9]{1,3}|"[a\\n]{0,3}"|\[\]|null),?){0,5}\}"#) {
        probe::json(&text, false);
        probe::container(&text);
    }

    #[test]
    fn a_line_of_containerd_says_what_was_written(text in "[^\n\r]{0,80}", is_last in any::<bool>()) {
        let tag = if is_last { "F" } else { "P" };
        let line = format!("2026-11-26T21:00:00.000000001+01:00 stderr {tag} {text}");
        let parsed = parse_container(&line).unwrap();
        prop_assert_eq!(parsed.text, text);
        prop_assert_eq!((parsed.is_stderr, parsed.is_partial), (true, !is_last));
        prop_assert_eq!(parsed.time, 1_795_723_200_000_000_001);
    }
}

#[test]
fn a_path_of_kubelet_says_which_container_it_is_of() {
    let found = path_metadata("/var/log/pods/shop_cart-1_0a-1b/app/3.log").unwrap();
    let values: Vec<_> = found.iter().map(|(_, value)| value.as_text().unwrap()).collect();
    assert_eq!(values, ["shop", "cart-1", "0a-1b", "app", "3"]);
    for other in ["/var/log/syslog", "/var/log/pods/a_b_c/x/y.log", "/pods/a_b_0/a.b/0.log", "0.log"] {
        assert!(path_metadata(other).is_err(), "{other}");
    }
}

#[test]
fn what_no_entry_begins_in_is_cut_where_it_is_too_long() {
    let pattern = Some("^2026".to_owned());
    let multiline = crate::entries::settings::Multiline { line_start_pattern: pattern, ..Default::default() };
    let config = Config {
        max_log_size: crate::entries::settings::Size(1 << 10),
        multiline: Some(multiline),
        ..Config::default()
    };
    let (found, at) = all(&Splitter::new(config.cut()).unwrap(), "nothing begins here\n".repeat(150).as_bytes());
    assert_eq!((found.len(), at), (2, 2 << 10));
}

#[test]
fn blanks_at_the_end_of_a_part_of_a_line_stay_since_they_are_in_the_midst_of_what_was_written() {
    let container = serde_json::from_value(serde_json::json!({ "type": "container" })).unwrap();
    let config = Config { operators: vec![container], ..Config::default() };
    let splitter = Splitter::new(config.cut()).unwrap();
    let bytes = b"t stdout P one, \r\nt stdout F two \nt stdout P:x three \nP P \nt stdout PF four \n";
    let found: Vec<String> =
        all(&splitter, bytes).0.into_iter().map(|entry| String::from_utf8(entry).unwrap()).collect();
    let wanted = ["t stdout P one, ", "t stdout F two", "t stdout P:x three ", "P P", "t stdout PF four"];
    assert_eq!(found, wanted);
    let plain = Splitter::new(Config::default().cut()).unwrap();
    assert_eq!(all(&plain, b"t stdout P one, \n").0, [b"t stdout P one,"]);
}
