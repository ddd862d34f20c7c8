//! `container`: the lines of docker, containerd and CRI-O, with their parts joined by file and stream.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::join::Join;
use super::{Context, Flow, Sink, json};
use crate::entries::entry::{self, Entry, FileId, Map, Resource, Value};
use crate::entries::field::{Field, Root};
use crate::entries::settings::Operator;

/// Docker cuts what a process writes into parts of so many bytes.
const DOCKER_PART: usize = 16 << 10;
/// Streams with an unfinished entry.
const MAX_SOURCES: usize = 1_000;
/// What stands at an entry whose rest never came.
const PARTIAL: &str = "tidegate.log.partial";

pub(crate) struct Container {
    from: Field,
    format: Format,
    with_path: bool,
    max_log_size: usize,
    parts: Join<(u64, bool)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Auto,
    Docker,
    Cri,
}

/// A line of a container.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) time: u64,
    pub(crate) is_stderr: bool,
    /// None of docker.
    pub(crate) tag: Option<Cow<'a, str>>,
    pub(crate) text: Cow<'a, str>,
    pub(crate) is_partial: bool,
    /// What else docker says.
    pub(crate) rest: Map<'a>,
}

impl Container {
    pub(crate) fn new(operator: &Operator) -> Result<Self, String> {
        let format = match operator.format.as_deref() {
            None | Some("" | "auto") => Format::Auto,
            Some("docker") => Format::Docker,
            _ => Format::Cri,
        };
        let from = operator.parse_from.as_deref().map_or(Ok(Field::root(Root::Body)), Field::parse)?;
        let max_log_size = operator.max_log_size.map_or(1 << 20, |size| size.0 as usize);
        Ok(Container {
            from,
            format,
            with_path: operator.add_metadata_from_filepath.unwrap_or(true),
            max_log_size: if max_log_size == 0 { usize::MAX } else { max_log_size },
            parts: Join::new(MAX_SOURCES),
        })
    }

    pub(crate) fn run<'a>(&mut self, mut entry: Entry<'a>, context: &Context<'_>, sink: &mut dyn Sink) -> Flow<'a> {
        let Some(text) = self.from.get(&entry).and_then(Value::share_text) else {
            return Flow::Failed(entry, "there is no text to parse".to_owned());
        };
        let line = match &text {
            Cow::Borrowed(text) => self.parse(text),
            // Somebody before this one has made it.
            Cow::Owned(text) => self.parse(text).map(Line::into_owned),
        };
        let line = match line {
            Ok(line) => line,
            Err(error) => return Flow::Failed(entry, error),
        };
        if self.with_path {
            match context.path {
                Ok(pairs) => add_path(&mut entry.resource, pairs),
                Err(error) => return Flow::Failed(entry, error.clone()),
            }
        }
        entry.time = line.time;
        for (key, value) in line.rest {
            entry::set(&mut entry.attributes, key, value);
        }
        let stream = if line.is_stderr { "stderr" } else { "stdout" };
        entry::set(&mut entry.attributes, "log.iostream", Value::text(stream));
        if let Some(tag) = line.tag {
            entry::set(&mut entry.attributes, "logtag", Value::Text(tag));
        }
        let source = (entry.origin.lineage, line.is_stderr);
        if !line.is_partial && (self.parts.is_empty() || self.parts.get(&source).is_none()) {
            entry.body = Value::Text(line.text);
            return Flow::On(entry);
        }
        let tag = entry::get(&entry.attributes, "logtag").and_then(Value::as_text).map(str::to_owned);
        let surplus = self.parts.add(&source, entry, &line.text, "", context.now);
        if let Some(surplus) = surplus {
            return Flow::On(mark(surplus.release(sink)));
        }
        let is_full = self.parts.get(&source).is_some_and(|kept| kept.text.len() > self.max_log_size);
        match (line.is_partial && !is_full, self.parts.take_if(&source, !line.is_partial || is_full)) {
            (false, Some(kept)) => {
                let mut whole = kept.release(sink);
                if let Some(tag) = tag {
                    entry::set(&mut whole.attributes, "logtag", Value::text(tag));
                }
                Flow::On(whole)
            }
            _ => Flow::Kept,
        }
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Line<'t>, String> {
        match self.format {
            Format::Auto => parse(text),
            Format::Docker => docker(text),
            Format::Cri => cri(text),
        }
    }

    pub(crate) fn flush(
        &mut self,
        now: Instant,
        period: Duration,
        waits: &dyn Fn(u64) -> bool,
        sink: &mut dyn Sink,
    ) -> Vec<Entry<'static>> {
        if self.parts.is_empty() || period.is_zero() {
            return Vec::new();
        }
        let is_due = |kept: &super::join::Kept| {
            now.saturating_duration_since(kept.since) >= period && !waits(kept.entry.origin.lineage)
        };
        self.parts.due(is_due).into_iter().map(|kept| mark(kept.release(sink))).collect()
    }

    pub(crate) fn kept(&self) -> impl Iterator<Item = (FileId, u64)> {
        self.parts.kept()
    }
}

impl Join<(u64, bool)> {
    fn take_if(&mut self, source: &(u64, bool), condition: bool) -> Option<super::join::Kept> {
        condition.then(|| self.take(source)).flatten()
    }
}

fn mark(mut entry: Entry<'static>) -> Entry<'static> {
    entry::set(&mut entry.attributes, PARTIAL, Value::Bool(true));
    entry
}

/// What the path says of the container, unless the entry says it already.
fn add_path(resource: &mut Resource<'_>, pairs: &Map<'static>) {
    let is_there = pairs.iter().all(|(key, value)| entry::get(resource.map(), key) == Some(value));
    if !is_there {
        let map = resource.map_mut();
        pairs.iter().for_each(|(key, value)| entry::set(map, key.clone(), value.clone()));
    }
}

impl Line<'_> {
    fn into_owned<'s>(self) -> Line<'s> {
        let rest = match Value::Map(self.rest).into_owned() {
            Value::Map(map) => map,
            _ => Vec::new(),
        };
        Line {
            time: self.time,
            is_stderr: self.is_stderr,
            tag: self.tag.map(|tag| Cow::Owned(tag.into_owned())),
            text: Cow::Owned(self.text.into_owned()),
            is_partial: self.is_partial,
            rest,
        }
    }
}

/// A line of whichever runtime wrote it.
///
/// # Errors
/// Where it is of none.
pub(crate) fn parse(text: &str) -> Result<Line<'_>, String> {
    if text.starts_with('{') { docker(text) } else { cri(text) }
}

/// `TIME STREAM TAG TEXT`.
fn cri(text: &str) -> Result<Line<'_>, String> {
    let told = || "it is no line of a container runtime: `TIME stdout|stderr TAG TEXT`".to_owned();
    let (time, rest) = text.split_once(' ').ok_or_else(told)?;
    let (stream, rest) = rest.split_once(' ').ok_or_else(told)?;
    let is_stderr = match stream {
        "stdout" => false,
        "stderr" => true,
        _ => return Err(told()),
    };
    let (tag, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let time = timestamp(time).ok_or_else(|| format!("{time:?} is no time as RFC 3339 has it"))?;
    let is_partial = is_tag_of_part(tag.as_bytes());
    Ok(Line { time, is_stderr, tag: Some(Cow::Borrowed(tag)), text: Cow::Borrowed(text), is_partial, rest: Vec::new() })
}

/// More tags may come behind a colon.
fn is_tag_of_part(tag: &[u8]) -> bool {
    tag == b"P" || tag.starts_with(b"P:")
}

/// Whether a line says of itself, in the way of containerd, that more of it comes.
pub(crate) fn is_part(line: &[u8]) -> bool {
    line.splitn(4, |byte| *byte == b' ').nth(2).is_some_and(is_tag_of_part)
}

/// `{"log":TEXT,"stream":STREAM,"time":TIME}`.
fn docker(text: &str) -> Result<Line<'_>, String> {
    let mut rest = json::parse(text, false)?;
    let mut text_of = |key: &str| match entry::take(&mut rest, key) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(format!("a line of docker has the text `{key}`")),
    };
    let (log, stream, time) = (text_of("log")?, text_of("stream")?, text_of("time")?);
    let time = timestamp(&time).ok_or_else(|| format!("{time:?} is no time as RFC 3339 has it"))?;
    let is_partial = !log.ends_with('\n') && log.len() >= DOCKER_PART;
    let text = match log {
        Cow::Borrowed(log) => Cow::Borrowed(log.strip_suffix('\n').unwrap_or(log)),
        Cow::Owned(mut log) => {
            if log.ends_with('\n') {
                log.pop();
            }
            Cow::Owned(log)
        }
    };
    Ok(Line { time, is_stderr: stream == "stderr", tag: None, text, is_partial, rest })
}

/// Nanoseconds since the Unix epoch of a time as RFC 3339 has it.
fn timestamp(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |at: usize, len: usize| -> Option<i64> {
        bytes
            .get(at..at + len)?
            .iter()
            .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let sign = |at: usize, sign: u8| (bytes.get(at) == Some(&sign)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    sign(4, b'-').and(sign(7, b'-')).and(sign(10, b'T')).and(sign(13, b':')).and(sign(16, b':'))?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if bytes.get(at) == Some(&b'.') {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kept = digits.min(9);
        nanos = number(at + 1, kept)? * 10_i64.pow(9 - kept as u32);
        at += 1 + digits;
    }
    let offset = match bytes.get(at)? {
        b'Z' if bytes.len() == at + 1 => 0,
        direction @ (b'+' | b'-') if bytes.len() == at + 6 => {
            sign(at + 3, b':')?;
            let seconds = number(at + 1, 2)? * 3_600 + number(at + 4, 2)? * 60;
            if *direction == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?).ok()
}

/// Days since the Unix epoch, of the proleptic Gregorian calendar: years are counted from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What kubelet's path of a log says of its container: `…/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`.
pub(crate) fn path_metadata(path: &str) -> Result<Map<'static>, String> {
    let told = || format!("{path} is no path of kubelet's: `…/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`");
    let mut steps = path.rsplit(['/', '\\']);
    let (file, container, pod) = (steps.next(), steps.next(), steps.next());
    let (file, container, pod) = (file.ok_or_else(told)?, container.ok_or_else(told)?, pod.ok_or_else(told)?);
    let restarts = file.split_once(".log").map(|(restarts, _)| restarts).ok_or_else(told)?;
    let (namespace, rest) = pod.split_once('_').ok_or_else(told)?;
    let (pod, uid) = rest.rsplit_once('_').ok_or_else(told)?;
    let is_uid = !uid.is_empty() && uid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    let is_number = !restarts.is_empty() && restarts.bytes().all(|byte| byte.is_ascii_digit());
    if namespace.is_empty()
        || pod.is_empty()
        || !is_uid
        || !is_number
        || container.is_empty()
        || container.contains(['.', '_'])
    {
        return Err(told());
    }
    let pair = |key: &'static str, value: &str| (Cow::Borrowed(key), Value::text(value.to_owned()));
    Ok(vec![
        pair("k8s.namespace.name", namespace),
        pair("k8s.pod.name", pod),
        pair("k8s.pod.uid", uid),
        pair("k8s.container.name", container),
        pair("k8s.container.restart_count", restarts),
    ])
}
