//! What messages say, as devices and RFCs write them. Most of what is expected is what the Collector's parser says.

use std::borrow::Cow;

use jiff::{Timestamp, ToSpan as _, Zoned};
use proptest::prelude::*;

use super::{Message, Syslog, probe};
use crate::entries::entry::{Map, Value, get};
use crate::entries::settings::Operator;

fn of(protocol: &str) -> Operator {
    Operator { protocol: Some(protocol.to_owned()), ..Operator::default() }
}

fn parser(protocol: &str) -> Syslog {
    Syslog::new(&of(protocol)).unwrap()
}

/// Host, application, process id and text of a message of RFC 3164.
fn old(rest: &str) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
    let text = format!("<34>Oct 11 22:14:15 {rest}");
    let message = parser("rfc3164").parse(&text).unwrap();
    let own = |text: Option<&str>| text.map(str::to_owned);
    (own(message.hostname), own(message.appname), own(message.proc_id), own(message.message))
}

fn says(
    host: &str,
    app: &str,
    pid: &str,
    text: &str,
) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (some(host), some(app), some(pid), some(text))
}

#[test]
fn a_message_of_old_names_its_host_its_application_and_its_process() {
    for (rest, expected) in [
        ("mymachine su: 'su root' failed", says("mymachine", "su", "", "'su root' failed")),
        ("mymachine su[12]: 'su root' failed", says("mymachine", "su", "12", "'su root' failed")),
        ("su[12]: no host", says("", "su", "12", "no host")),
        ("hello", says("", "", "", "hello")),
        ("hello world", says("hello", "", "", "world")),
        ("hello  world", says("hello", "", "", "world")),
        ("  host   tag: x", says("host", "tag", "", "x")),
        ("host foo:bar baz", says("host", "foo", "", "foo:bar baz")),
        ("host tag:", says("host", "tag", "", "tag:")),
        ("host tag: x ünï\ttab", says("host", "tag", "", "x ünï\ttab")),
        ("fe80::1 tag: x", says("", "fe80", "", "fe80::1 tag: x")),
        ("host %ASA-4-106023: Deny tcp", says("host", "%ASA-4-106023", "", "Deny tcp")),
        ("host : x", says("host", "", "", ": x")),
        ("host [x]: y", says("host", "", "", "[x]: y")),
        ("host a b c: d", says("host", "", "", "a b c: d")),
        ("host tag: one\n", says("host", "tag", "", "one")),
        // The Collector's parser begins these messages in the midst of the brackets, or refuses them.
        ("host app[12] text", says("host", "app", "12", "app[12] text")),
        ("host app[1[2]: x", says("host", "app", "", "app[1[2]: x")),
        ("host tag: one\ntwo\u{1b}[0m", says("host", "tag", "", "one\ntwo\u{1b}[0m")),
    ] {
        assert_eq!(old(rest), expected, "{rest:?}");
    }
    let long = "a".repeat(49);
    assert_eq!(old(&format!("host {long}: d")), says("host", "", "", &format!("{long}: d")));
}

#[test]
fn a_time_of_old_is_of_the_last_year_in_which_it_was() {
    let parser = parser("rfc3164");
    let time = |stamp: &str| {
        let text = format!("<34>{stamp} host tag: x");
        parser.parse(&text).map(|message| Timestamp::from_nanosecond(message.time.unwrap()).unwrap())
    };
    let now = Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
    let (ahead, ago) = (now.checked_add(30.days()).unwrap(), now.checked_sub(1.days()).unwrap());
    let written = |at: &Zoned| at.strftime("%b %e %H:%M:%S").to_string();
    let whole = |at: &Zoned| at.timestamp().as_second();
    assert_eq!(time(&written(&ago)).unwrap().as_second(), whole(&ago));
    let a_year_back = ahead.checked_sub(1.year()).unwrap();
    assert_eq!(time(&written(&ahead)).unwrap().as_second(), whole(&a_year_back), "nobody writes of next month");
    assert_eq!(time(&ago.strftime("%b %d %H:%M:%S").to_string()).unwrap().as_second(), whole(&ago), "with a zero");
    assert_eq!(time("2018-10-11T22:14:15.003Z").unwrap().to_string(), "2018-10-11T22:14:15.003Z");
    for wrong in
        ["Oct 1 22:14:15", "Okt 11 22:14:15", "Oct 32 22:14:15", "Oct 11 25:14:15", "Oct 11 22:14", "ü Oct 11 22:14:1"]
    {
        assert!(time(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_time_of_old_is_of_the_zone_that_is_configured() {
    let syslog = Syslog::new(&Operator { location: Some("America/New_York".to_owned()), ..of("rfc3164") }).unwrap();
    let message = syslog.parse("<34>Jan 11 22:14:15 host tag: x").unwrap();
    let time = Timestamp::from_nanosecond(message.time.unwrap()).unwrap();
    assert!(time.to_string().ends_with("-01-12T03:14:15Z"), "{time}");
}

fn structured<'a>(message: &'a Message<'_>, id: &str) -> &'a Map<'a> {
    match get(message.structured_data.as_ref().unwrap(), id) {
        Some(Value::Map(map)) => map,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_of_today_has_all_its_parts() {
    let text = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 \
                [a@1 iut=\"3\" src=\"x \\\"y\\\" \\] \\\\ \\n\"][b@1] %% It's time.";
    let message = parser("rfc5424").parse(text).unwrap();
    assert_eq!((message.priority, message.version), (Some(165), Some(1)));
    assert_eq!(message.time, Some(1_061_727_255_000_003_000));
    let names = [message.hostname, message.appname, message.proc_id, message.msg_id, message.message];
    assert_eq!(names.map(Option::unwrap), ["192.0.2.1", "myproc", "8710", "ID47", "%% It's time."]);
    assert_eq!(get(structured(&message, "a@1"), "iut"), Some(&Value::text("3")));
    assert_eq!(get(structured(&message, "a@1"), "src"), Some(&Value::text("x \"y\" ] \\ \\n")));
    assert!(structured(&message, "b@1").is_empty());
}

#[test]
fn what_a_message_of_today_leaves_out_is_not_there() {
    let parser = parser("rfc5424");
    for text in ["<34>1 - - - - - -", "<34>1 - - - - - - "] {
        assert_eq!(parser.parse(text).unwrap(), Message { priority: Some(34), version: Some(1), ..Message::default() });
    }
    assert_eq!(parser.parse("<34>1 - - - - - -  two").unwrap().message, Some(" two"));
    let twice = parser.parse("<34>1 - - - - - [x a=\"1\" a=\"2\" b=\"\"] z").unwrap();
    assert_eq!(structured(&twice, "x"), &vec![("a".into(), Value::text("2")), ("b".into(), Value::text(""))]);
}

#[test]
fn what_is_no_message_of_today_says_what_is_wrong() {
    let parser = parser("rfc5424");
    for (text, told) in [
        ("1 - - - - - - x", "priority"),
        ("<192>1 - - - - - - x", "priority"),
        ("<034>1 - - - - - - x", "priority"),
        ("<+4>1 - - - - - - x", "priority"),
        ("<34>0 - - - - - - x", "version"),
        ("<34>1 2003-10-11T22:14:15 h a p m - z", "RFC 3339"),
        ("<34>1 - h a p", "process id"),
        ("<34>1 - h a p m [x][x] z", "twice"),
        ("<34>1 - h a p m [] z", "name"),
        ("<34>1 - h a p m [x]z", "space"),
        ("<34>1 - h a p m [x a=\"1] z", "no end"),
        ("<34>1 - h a p m [x a=1] z", "quotes"),
        ("<34>1 - h a p m z", "structured data"),
    ] {
        let error = parser.parse(text).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn a_priority_is_severity_and_facility_by_the_collectors_names() {
    let (map, said) = parser("none").parse_shared(Cow::Borrowed("<165>whatever")).unwrap();
    let number = |key| get(&map, key).cloned();
    assert_eq!(number("priority"), Some(Value::Int(165)));
    assert_eq!(number("facility"), Some(Value::Int(20)));
    assert_eq!(number("facility_text"), Some(Value::text("local4")));
    assert_eq!(number("message"), Some(Value::text("<165>whatever")), "what came is left as it is");
    assert_eq!(said.severity, Some((10, "notice")));
    let (map, said) = parser("none").parse_shared(Cow::Borrowed("nothing of the kind")).unwrap();
    assert_eq!((map.len(), said.severity), (1, None));
}

#[test]
fn a_priority_may_be_missing_where_that_is_allowed() {
    let syslog = Syslog::new(&Operator { allow_skip_pri_header: Some(true), ..of("rfc3164") }).unwrap();
    let message = syslog.parse("Oct 11 22:14:15 host tag: x <12> y").unwrap();
    assert_eq!((message.priority, message.message), (None, Some("x <12> y")));
    assert_eq!(syslog.parse("<34>Oct 11 22:14:15 host tag: x").unwrap().priority, Some(34));
    assert!(syslog.parse("<999>Oct 11 22:14:15 host tag: x").is_err());
}

#[test]
fn the_number_of_octets_is_no_part_of_a_message() {
    let counted = Operator { enable_octet_counting: Some(true), max_octets: Some(40), ..of("rfc5424") };
    let syslog = Syslog::new(&counted).unwrap();
    assert_eq!(syslog.parse("19 <34>1 - - - - - - x\n").unwrap().message, Some("x"));
    for (text, told) in
        [("<34>1 - - - - - - x", "octets"), ("41 <34>1 - - - - - - x", "max_octets"), ("07 <34>1", "octets")]
    {
        assert!(syslog.parse(text).unwrap_err().contains(told), "{text}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_with_its_key() {
    let trailer = |trailer: &str| Some(trailer.to_owned());
    let cases = [
        (Operator::default(), "protocol"),
        (of("rfc9999"), "protocol"),
        (Operator { location: Some("Nowhere/Land".to_owned()), ..of("rfc3164") }, "location"),
        (Operator { non_transparent_framing_trailer: trailer("CR"), ..of("rfc5424") }, "LF"),
        (Operator { non_transparent_framing_trailer: trailer("LF"), ..of("rfc3164") }, "rfc5424"),
        (
            Operator {
                non_transparent_framing_trailer: trailer("LF"),
                enable_octet_counting: Some(true),
                ..of("rfc5424")
            },
            "enable_octet_counting",
        ),
        (
            Operator { allow_skip_pri_header: Some(true), enable_octet_counting: Some(true), ..of("rfc5424") },
            "allow_skip_pri_header",
        ),
    ];
    for (operator, told) in cases {
        let error = Syslog::new(&operator).err().unwrap();
        assert!(error.contains(told), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_is_taken_for_more_than_it_says(how: u8, text in "(<[0-9]{1,4}>)?(1 )?[ -~\\n\u{e9}]{0,80}") {
        probe(how, &text);
    }

    #[test]
    fn a_message_of_today_comes_back_as_it_was_written(
        host in "[!-~]{1,20}", app in "[a-z]{1,9}", text in "[ -~\u{e9}]{1,40}[!-~]", key in "[a-z]{1,5}", value in "[ -~\u{e9}]{0,20}",
    ) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        let written = format!("<13>1 2026-11-27T00:00:00Z {host} {app} - - [id {key}=\"{quoted}\"] {text}");
        let parser = parser("rfc5424");
        let message = parser.parse(&written).unwrap();
        prop_assert_eq!(message.hostname, Some(&*host).filter(|host| *host != "-"));
        prop_assert_eq!(message.appname, Some(&*app));
        prop_assert_eq!(message.message, Some(&*text));
        prop_assert_eq!(get(structured(&message, "id"), &key), Some(&Value::text(value)));
    }
}
