//! The body of a log record: a scalar is masked as text, and in lists and maps each key and scalar has its fate.

use sdk_collector::by_row::ByRow;
use tidegate_sdk::{Any, Batch, Cell, Edits, Part, PatternMatch, Plan, ReadId, Value};

use crate::Rules;
use crate::audit::Lists;
use crate::keys::Fate;
use crate::row::Row;
use crate::values::Verdict;

/// What is read of bodies.
pub(crate) struct Body {
    /// Scalars, however deep and as text, in which patterns of values match.
    texts: Option<ReadId>,
    /// Lists and maps, where their keys matter or are told of.
    composites: Option<ReadId>,
}

/// The bodies of a batch, by row.
pub(crate) struct Bodies<'a> {
    texts: Option<ByRow<'a>>,
    composites: Option<ByRow<'a>>,
}

impl Body {
    pub(crate) fn new(rules: &Rules, plan: &mut Plan) -> Body {
        let texts = (!rules.values.is_empty()).then(|| plan.read_printed("log.body[**]", rules.values.for_host()));
        let composites = (!rules.are_plain()).then(|| plan.read_composites("log.body"));
        let _ = plan.write("log.body");
        Body { texts, composites }
    }

    /// The texts that match.
    pub(crate) fn texts(&self) -> Option<ReadId> {
        self.texts
    }

    pub(crate) fn by_row<'a>(&self, batch: &Batch<'a>) -> Bodies<'a> {
        let by_row = |read: Option<ReadId>| read.map(|read| ByRow::new(batch, read));
        Bodies { texts: by_row(self.texts), composites: by_row(self.composites) }
    }
}

impl<'a> Bodies<'a> {
    /// Does to the body of a record what the rules say.
    pub(crate) fn redact(&mut self, number: u32, row: &mut Row<'a>, edits: &mut Edits) {
        let mut texts: Vec<Cell<'a>> = Vec::new();
        while let Some(cell) = self.texts.as_mut().and_then(|cells| cells.of(number)) {
            if cell.part() == Part::Value {
                texts.push(cell);
            }
        }
        let composite = self.composites.as_mut().and_then(|cells| cells.of(number));
        let mut walk = Walk { rules: row.rules(), texts: &texts, lists: Lists::default(), has_changed: false };
        let cell = match (composite.as_ref(), texts.first()) {
            (Some(cell), _) | (None, Some(cell)) => cell,
            (None, None) => return,
        };
        let mut body = match cell.value() {
            Value::Encoded(encoded) => Any::decode(encoded),
            _ => Any::from(cell.text().unwrap_or_default()),
        };
        match &mut body {
            Any::Map(entries) => walk.map(None, entries),
            Any::List(items) => walk.list(None, items),
            scalar => {
                walk.scalar("body", scalar);
                // The Collector tells nothing of a body that is allowed as a whole.
                walk.lists.allowed.clear();
            }
        }
        if walk.has_changed {
            match &body {
                Any::Text(text) => edits.replace(cell.id(), text.as_str()),
                body => edits.replace(cell.id(), tidegate_sdk::NewValue::Encoded(&body.encode())),
            }
        }
        let lists = walk.lists;
        row.tell_of_body(lists);
    }
}

/// A walk through one body.
struct Walk<'w, 'a> {
    rules: &'w Rules,
    /// In which the host found something.
    texts: &'w [Cell<'a>],
    lists: Lists,
    has_changed: bool,
}

impl Walk<'_, '_> {
    fn map(&mut self, path: Option<&str>, entries: &mut Vec<(String, Any)>) {
        entries.retain_mut(|(key, value)| {
            let path = match path {
                Some(path) => [path, ".", key].concat(),
                None => key.clone(),
            };
            match self.rules.keys.fate(key) {
                Fate::Ignored => self.lists.ignored.push(path),
                Fate::Removed => {
                    self.lists.removed.push(path);
                    self.has_changed = true;
                    return false;
                }
                Fate::Masked => {
                    self.lists.masked.push(path);
                    *value = Any::Text(self.rules.values.mask.all(value.as_text().unwrap_or_default()));
                    self.has_changed = true;
                }
                Fate::Looked => self.value(&path, value),
            }
            true
        });
    }

    fn list(&mut self, path: Option<&str>, items: &mut [Any]) {
        for (at, item) in items.iter_mut().enumerate() {
            let at = at.to_string();
            let path = match path {
                Some(path) => [path, ".[", &at, "]"].concat(),
                None => ["[", &at, "]"].concat(),
            };
            self.value(&path, item);
        }
    }

    fn value(&mut self, path: &str, value: &mut Any) {
        match value {
            Any::Map(entries) => self.map(Some(path), entries),
            Any::List(items) => self.list(Some(path), items),
            scalar => self.scalar(path, scalar),
        }
    }

    fn scalar(&mut self, path: &str, value: &mut Any) {
        let text = value.printed();
        let masked = match self.judge(&text) {
            Verdict::Left => return,
            Verdict::Allowed => return self.lists.allowed.push(path.to_owned()),
            Verdict::Parts(parts) => self.rules.values.replaced(&text, &parts),
            Verdict::Text(masked) => masked,
        };
        self.lists.masked.push(path.to_owned());
        *value = Any::Text(masked);
        self.has_changed = true;
    }

    /// What becomes of a text: the host has seen them all, and what it found in one it found in each that is equal.
    fn judge(&self, text: &str) -> Verdict {
        let found: Option<&[PatternMatch]> =
            self.texts.iter().find(|cell| cell.text() == Some(text)).map(tidegate_sdk::Cell::matches);
        match found {
            Some(matches) => self.rules.values.judge(text, matches),
            // What has no text the host does not print.
            None if text.is_empty() => self.rules.values.judge_alone(""),
            None => Verdict::Left,
        }
    }
}
