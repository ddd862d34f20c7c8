//! For the fuzz targets: what is made of bytes that anybody may have written to a file. Each checks what has to hold.

use super::config::Config;
use crate::entries::entry::Value;
use crate::entries::lines::{Splitter, Token};
use crate::entries::operators::{parse_container, parse_json};
use crate::entries::settings::{Multiline, Size, TooLong};

/// A line of a container runtime: what is taken for its text is the end of the line, or what docker's JSON says.
pub fn container(text: &str) {
    let Ok(line) = parse_container(text) else { return };
    match &line.tag {
        Some(tag) => assert!(text.ends_with(&*line.text) && text.contains(&**tag) && line.rest.is_empty()),
        None => assert!(text.starts_with('{')),
    }
}

/// A JSON object: it is one for us where it is one for serde_json, with the same keys.
pub fn json(text: &str, ints: bool) {
    let ours = parse_json(text, ints);
    let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    if let Ok(ours) = &ours {
        let doubled =
            ours.iter().enumerate().any(|(at, (key, _))| ours.iter().skip(at + 1).any(|(other, _)| other == key));
        assert!(!doubled, "no key stands twice");
        let _owned = Value::Map(ours.clone()).into_owned();
    }
    if let Ok(theirs) = theirs {
        let ours = ours.expect("what serde_json takes is taken");
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().all(|(key, _)| theirs.contains_key(&**key)));
    }
}

/// Entries of bytes, with settings drawn from `how`: they follow one another, and come out the same however the bytes come.
pub fn split(how: u8, bytes: &[u8]) {
    let bit = |at: u8| how & 1 << at != 0;
    let multiline = match how & 3 {
        1 => Some(Multiline {
            line_start_pattern: Some("^[A-Z]+ ".to_owned()),
            omit_pattern: bit(2),
            ..Multiline::default()
        }),
        2 => Some(Multiline { line_end_pattern: Some(";+".to_owned()), omit_pattern: bit(2), ..Multiline::default() }),
        _ => None,
    };
    let config = Config {
        max_log_size: Size(1 << 10),
        max_log_size_behavior: if bit(3) { TooLong::Split } else { TooLong::Truncate },
        encoding: ["utf-8", "utf-16le", "utf-16be", "big5"][usize::from(how >> 4 & 3)].to_owned(),
        preserve_leading_whitespaces: bit(6),
        preserve_trailing_whitespaces: bit(7),
        multiline,
        ..Config::default()
    };
    let Ok(splitter) = Splitter::new(config.cut()) else { return };
    let mut at = 0;
    while let Some(Token { content, next, .. }) = splitter.next(bytes, at) {
        assert!(next > at && next <= bytes.len(), "it goes on, and not beyond the end");
        assert!(content.start >= at && content.end <= next, "an entry lies where it was read");
        let _text = splitter.text(&bytes[content]);
        at = next;
    }
    assert!(bytes.len() - at <= splitter.window(), "what is waited for is no more than what is kept");
    let Token { content, next, .. } = splitter.rest(bytes, at);
    assert!(content.start >= at && content.end <= next && next <= bytes.len());
}
