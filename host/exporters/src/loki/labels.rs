//! Labels say which stream an entry belongs to. They are chosen here, by resource, and never by what a single batch happens to
//! carry: each set of labels is a stream that Loki keeps open.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use host_otlp::view::AnyValue;

use super::{names, text};

/// Labels that Loki takes of one stream, but for `service_name`.
pub(super) const MOST: usize = 15;
/// The longest name of a label, and the longest value.
pub(super) const LONGEST_NAME: usize = 1024;
pub(super) const LONGEST_VALUE: usize = 2048;
/// What Loki does not count among the labels of a stream, since it may have put it there itself.
const UNCOUNTED: &str = "service_name";
/// What begins the names that Loki keeps for itself.
const RESERVED: &str = "__";

/// Which labels there are, as the configuration says.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) exporter: bool,
    pub(super) job: bool,
    pub(super) instance: bool,
    pub(super) level: bool,
    /// The labels of resource attributes: their rank and name, by key.
    pub(super) resource: HashMap<String, (usize, String)>,
    /// Those of attributes of records, by key; there are few.
    pub(super) attributes: Vec<(String, String)>,
    /// Resource attributes that are not sent at all.
    pub(super) excluded: HashSet<String>,
}

impl Plan {
    pub(super) fn new(resource: &[String], attributes: &[String], excluded: &[String]) -> Self {
        let ranked = resource.iter().enumerate().map(|(rank, key)| (key.clone(), (rank, names::valid(key))));
        Plan {
            exporter: true,
            job: true,
            instance: true,
            level: true,
            resource: ranked.collect(),
            attributes: attributes.iter().map(|key| (key.clone(), names::valid(key))).collect(),
            excluded: excluded.iter().cloned().collect(),
        }
    }

    /// The rank and the name of the label that a resource attribute is.
    pub(super) fn of_resource(&self, key: &str) -> Option<(usize, &str)> {
        self.resource.get(key).map(|(rank, name)| (*rank, name.as_str()))
    }

    /// The name of the label that an attribute of a record is.
    pub(super) fn of_record(&self, key: &str) -> Option<&str> {
        if self.level && key == "level" {
            return Some("level");
        }
        self.attributes.iter().find(|(known, _)| known == key).map(|(_, name)| name.as_str())
    }
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Label<'a> {
    pub(super) fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Label { name: name.into(), value: value.into() }
    }

    /// Whether Loki takes it.
    pub(super) fn fits(&self) -> bool {
        self.name.len() <= LONGEST_NAME && self.value.len() <= LONGEST_VALUE && !self.name.starts_with(RESERVED)
    }
}

/// The text of a value as a label has it.
pub(super) fn value<'a>(value: Option<&AnyValue<'a>>) -> Cow<'a, str> {
    match value {
        None => Cow::Borrowed(""),
        Some(AnyValue::Text(text)) => Cow::Borrowed(text),
        Some(other) => {
            let mut out = Vec::new();
            text::plain(other, &mut out);
            Cow::Owned(String::from_utf8_lossy(&out).into_owned())
        }
    }
}

/// The labels of a stream, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelSet<'a>(Vec<Label<'a>>);

impl<'a> LabelSet<'a> {
    /// Adds a label, or says no where it does not fit, where there is one of this name, or where `room` labels are to stay free.
    pub(super) fn add(&mut self, label: Label<'a>, room: usize) -> bool {
        let is_full = label.name != UNCOUNTED && self.counted() + room >= MOST;
        if is_full || !label.fits() {
            return false;
        }
        match self.find(&label.name) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, label);
                true
            }
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|label| Ord::cmp(&*label.name, name))
    }

    /// How many labels Loki counts.
    pub(super) fn counted(&self) -> usize {
        self.0.len() - usize::from(self.find(UNCOUNTED).is_ok())
    }

    /// Appends the set as Loki writes it, such as `{job="shop", level="INFO"}`, with `more` among the labels: of one name it
    /// is the one of `more` that counts. A stream without any label is that of an unknown service, as Loki has it.
    pub(super) fn write(&self, more: &[Label<'_>], out: &mut String) {
        out.push('{');
        let start = out.len();
        let (mut own, mut extra) = (self.0.iter().peekable(), more.iter().peekable());
        loop {
            let next = match (own.peek(), extra.peek()) {
                (None, None) => break,
                (Some(_), None) => own.next(),
                (None, Some(_)) => extra.next(),
                (Some(a), Some(b)) => match a.name.cmp(&b.name) {
                    Ordering::Less => own.next(),
                    Ordering::Greater => extra.next(),
                    Ordering::Equal => {
                        own.next();
                        extra.next()
                    }
                },
            };
            let Some(label) = next else { break };
            if out.len() > start {
                out.push_str(", ");
            }
            pair(label, out);
        }
        if out.len() == start {
            pair(&Label::new(UNCOUNTED, "unknown_service"), out);
        }
        out.push('}');
    }
}

fn pair(label: &Label<'_>, out: &mut String) {
    out.push_str(&label.name);
    out.push_str("=\"");
    for c in label.value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // As texts of Go have them.
            c if c.is_ascii_control() => {
                let code = u32::from(c);
                let digit = |value| char::from_digit(value, 16).unwrap_or('0');
                out.extend(['\\', 'x', digit(code >> 4), digit(code & 15)]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
