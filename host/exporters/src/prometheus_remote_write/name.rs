//! Names in Prometheus for metrics, labels and units of OpenTelemetry, by the rules of the Collector's exporter.
//!
//! The rules are those of `prometheus/otlptranslator`: a name is cut into tokens at whatever Prometheus does not know, the
//! unit's word and the type's suffix are appended unless they are there, and the tokens are joined by underscores. The
//! corpus in the tests holds the names that the Collector makes.

use std::borrow::Cow;

/// How names are made: whether what Prometheus used not to know becomes an underscore, and whether units and types show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strategy {
    pub(super) is_escaping: bool,
    pub(super) has_suffixes: bool,
}

/// What of a metric's type its name depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Other,
}

/// The word of a unit.
fn unit_word(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "1" => "",
        "%" => "percent",
        other => other,
    }
}

/// The word of a unit that something is counted per.
fn per_word(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

/// The suffixes that a unit asks for: its own word, and `per_` and the word of what it is counted per.
fn unit_suffixes(unit: &str) -> (&str, Option<&str>) {
    // What stands in braces is an annotation.
    let is_unit = |unit: &&str| !unit.is_empty() && !unit.contains(['{', '}']);
    let (main, per) = unit.split_once('/').map_or((unit, None), |(main, per)| (main, Some(per)));
    let main = Some(main.trim()).filter(is_unit).map_or("", unit_word);
    (main, per.map(str::trim).filter(is_unit).map(per_word).filter(|word| !word.is_empty()))
}

fn is_metric_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// A unit's word with one underscore for each run of what is no part of a name, and none at the start.
fn clean(word: &str) -> String {
    let mut clean = String::with_capacity(word.len());
    for c in word.chars() {
        let c = if is_metric_char(c) { c } else { '_' };
        if c != '_' || !clean.ends_with('_') {
            clean.push(c);
        }
    }
    if clean.starts_with('_') { clean.split_off(1) } else { clean }
}

/// The name of a metric; none where nothing is left of it.
pub(super) fn metric(name: &str, unit: &str, kind: Kind, namespace: &str, strategy: Strategy) -> Option<String> {
    let made = match (strategy.is_escaping, strategy.has_suffixes) {
        (true, true) => tokens(name, unit, kind, namespace),
        (true, false) => escaped(name, namespace),
        (false, _) => verbatim(name, unit, kind, namespace, strategy.has_suffixes),
    };
    let is_empty = made.is_empty() || (made != name && made.bytes().all(|byte| byte == b'_'));
    (!is_empty).then_some(made)
}

fn tokens(name: &str, unit: &str, kind: Kind, namespace: &str) -> String {
    let mut tokens: Vec<Cow<'_, str>> =
        name.split(|c| !is_metric_char(c)).filter(|token| !token.is_empty()).map(Cow::Borrowed).collect();
    let (main, per) = unit_suffixes(unit);
    let mut main = clean(main);
    let per = per.map(|per| clean(&format!("per_{per}"))).filter(|per| per != "per_").unwrap_or_default();
    let mut per = per.trim_end_matches('_');
    if tokens.iter().any(|token| **token == *main) {
        main.clear();
    }
    if tokens.iter().any(|token| *token == per) {
        per = "";
    }
    if !per.is_empty() && main.ends_with('_') {
        main.pop();
    }
    if !main.is_empty() {
        tokens.push(main.into());
    }
    if !per.is_empty() {
        tokens.push(per.to_owned().into());
    }
    match kind {
        Kind::Counter => move_last(&mut tokens, "total"),
        // Other types have this unit, too, but for what is no ratio.
        Kind::Gauge if unit == "1" => move_last(&mut tokens, "ratio"),
        _ => {}
    }
    if !namespace.is_empty() {
        tokens.insert(0, namespace.into());
    }
    not_digit_first(tokens.join("_"))
}

fn move_last<'a>(tokens: &mut Vec<Cow<'a, str>>, suffix: &'a str) {
    tokens.retain(|token| token != suffix);
    tokens.push(suffix.into());
}

fn escaped(name: &str, namespace: &str) -> String {
    let escape = |text: &str| {
        let tokens = text.split(|c| !is_metric_char(c) && c != '_').filter(|token| !token.is_empty());
        tokens.collect::<Vec<_>>().join("_")
    };
    if namespace.is_empty() { not_digit_first(escape(name)) } else { format!("{}_{}", escape(namespace), escape(name)) }
}

fn not_digit_first(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn verbatim(name: &str, unit: &str, kind: Kind, namespace: &str, has_suffixes: bool) -> String {
    let mut made = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}_{name}") };
    if !has_suffixes {
        return made;
    }
    let last = match kind {
        Kind::Gauge if unit == "1" => Some("ratio"),
        Kind::Counter => Some("total"),
        _ => None,
    };
    let (main, per) = unit_suffixes(unit);
    let per = per.map(|per| format!("per_{per}"));
    for suffix in last.iter().copied().chain(per.as_deref()) {
        trim(&mut made, suffix);
    }
    if !main.is_empty() && !made.ends_with(main) {
        made = format!("{made}_{main}");
    }
    for suffix in per.as_deref().into_iter().chain(last) {
        made = format!("{made}_{suffix}");
    }
    made
}

/// Takes off a suffix and the character before it.
fn trim(name: &mut String, suffix: &str) {
    if name.len() > suffix.len() + 1
        && let Some(rest) = name.strip_suffix(suffix)
    {
        let end = rest.char_indices().next_back().map_or(0, |(at, _)| at);
        name.truncate(end);
    }
}

/// What a unit is called in metadata.
pub(super) fn unit(unit: &str, strategy: Strategy) -> String {
    let (main, per) = unit_suffixes(unit);
    let per = per.map(|per| format!("per_{per}")).unwrap_or_default();
    let (main, per) = if strategy.is_escaping { (clean(main), clean(&per)) } else { (main.to_owned(), per) };
    let made = if main.is_empty() || per.is_empty() { main + &per } else { format!("{main}_{per}") };
    let made = made.strip_prefix('_').unwrap_or(&made);
    made.strip_suffix('_').unwrap_or(made).to_owned()
}

/// The name of a label; none where nothing is left of it.
pub(super) fn label(key: &str, strategy: Strategy) -> Option<Cow<'_, str>> {
    let made = if strategy.is_escaping { escaped_label(key) } else { Cow::Borrowed(key) };
    (!made.bytes().all(|byte| byte == b'_')).then_some(made)
}

fn escaped_label(key: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric();
    let bytes = key.as_bytes();
    // Most are words joined by single underscores, and stay as they are.
    let is_fine = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|byte| is_plain(*byte) || *byte == b'_')
        && !key.contains("__");
    if is_fine {
        return Cow::Borrowed(key);
    }
    let reserved = key.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let mut made = String::with_capacity(key.len() + 4);
    for c in reserved.unwrap_or(key).chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c != '_' || !made.ends_with('_') {
            made.push(c);
        }
    }
    if reserved.is_some() {
        return Cow::Owned(format!("__{made}__"));
    }
    if made.starts_with(|c: char| c.is_ascii_digit()) {
        made.insert_str(0, "key_");
    } else if made.starts_with('_') {
        made.insert_str(0, "key");
    }
    Cow::Owned(made)
}
