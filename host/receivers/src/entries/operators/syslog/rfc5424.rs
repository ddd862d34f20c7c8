//! Messages as RFC 5424 describes them: `1 2003-10-11T22:14:15.003Z mymachine su - ID47 [id key="value"] 'su root' failed`.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Message;
use crate::entries::entry::{Map, Value, get, set};

/// What stands behind the priority.
pub(super) fn parse(text: &str) -> Result<Message<'_>, String> {
    let (version, rest) = word(text, "version")?;
    let is_version = (1..=3).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
    let number = version.parse::<i64>().ok().filter(|number| is_version && *number > 0 && !version.starts_with('0'));
    let version = number.ok_or_else(|| format!("its version {version:?} is no number from 1 to 999"))?;
    let (time, rest) = word(rest, "time")?;
    let time = match time {
        "-" => None,
        time => Some(time.parse::<Timestamp>().map_err(|_| format!("its time {time:?} is not that of RFC 3339"))?),
    };
    let (hostname, rest) = word(rest, "host's name")?;
    let (appname, rest) = word(rest, "application's name")?;
    let (proc_id, rest) = word(rest, "process id")?;
    // The last of them may be followed by nothing but the structured data.
    let (msg_id, rest) = word(rest, "message id")?;
    let (structured_data, rest) = structured_data(rest)?;
    let message = match rest.strip_prefix(' ') {
        Some(message) => Some(message).filter(|message| !message.is_empty()),
        None if rest.is_empty() => None,
        None => return Err("there is no space between its structured data and its message".to_owned()),
    };
    let some = |text| Some(text).filter(|text| *text != "-");
    Ok(Message {
        priority: None,
        version: Some(version),
        time: time.map(Timestamp::as_nanosecond),
        hostname: some(hostname),
        appname: some(appname),
        proc_id: some(proc_id),
        msg_id: some(msg_id),
        structured_data,
        message,
    })
}

/// What stands before the next space, and what behind it.
fn word<'a>(text: &'a str, what: &str) -> Result<(&'a str, &'a str), String> {
    text.split_once(' ').filter(|(word, _)| !word.is_empty()).ok_or_else(|| format!("it ends before its {what} does"))
}

fn structured_data(text: &str) -> Result<(Option<Map<'_>>, &str), String> {
    if let Some(rest) = text.strip_prefix('-') {
        return Ok((None, rest));
    }
    let mut elements: Map<'_> = Vec::new();
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let (id, behind) = name(inner, &[' ', ']'])?;
        let mut pairs: Map<'_> = Vec::new();
        rest = behind;
        while let Some(pair) = rest.strip_prefix(' ') {
            let (key, behind) = name(pair, &['='])?;
            let (text, behind) = quoted(behind.strip_prefix('=').unwrap_or_default())?;
            set(&mut pairs, key, Value::Text(text));
            rest = behind;
        }
        rest = rest.strip_prefix(']').ok_or_else(|| format!("the element {id:?} of its structured data has no end"))?;
        if get(&elements, id).is_some() {
            return Err(format!("its structured data has the element {id:?} twice"));
        }
        elements.push((Cow::Borrowed(id), Value::Map(pairs)));
    }
    if elements.is_empty() {
        return Err("there is neither structured data nor a `-` in its place".to_owned());
    }
    Ok((Some(elements), rest))
}

/// A name that one of these ends, which is left there.
fn name<'a>(text: &'a str, ends: &[char]) -> Result<(&'a str, &'a str), String> {
    let end = text.find(['=', ' ', ']', '"']).filter(|end| *end > 0);
    let found = end.filter(|end| text.get(*end..).is_some_and(|rest| rest.starts_with(ends)));
    let told = || "a name in its structured data is empty, or is not followed by what has to follow".to_owned();
    Ok(text.split_at(found.ok_or_else(told)?))
}

/// A value in quotes, in which a backslash stands before a quote, a bracket or a backslash that is meant.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let told = "a value in its structured data is not in quotes";
    let inner = text.strip_prefix('"').ok_or(told)?;
    let mut own: Option<String> = None;
    let mut from = 0;
    let mut bytes = inner.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let is_escape = byte == b'\\' && inner.as_bytes().get(at + 1).is_some_and(|next| b"\"\\]".contains(next));
        if byte == b'"' {
            let last = inner.get(from..at).unwrap_or_default();
            let value = match own {
                Some(own) => Cow::Owned(own + last),
                None => Cow::Borrowed(last),
            };
            return Ok((value, inner.get(at + 1..).unwrap_or_default()));
        }
        if is_escape {
            own.get_or_insert_default().push_str(inner.get(from..at).unwrap_or_default());
            from = at + 1;
            bytes.next();
        }
    }
    Err("a value in its structured data has no end".to_owned())
}
