//! The body of a log record: a scalar is masked as text, and in lists and maps each key and scalar has its fate.

use std::borrow::Cow;

use sdk_collector::by_row::ByRow;
use tidegate_sdk::{Any, Batch, Cell, Edits, Error, NewValue, Part, Plan, ReadId, Value};

use crate::Rules;
use crate::audit::Lists;
use crate::keys::Fate;
use crate::row::Row;
use crate::text::Found;
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
    ///
    /// # Errors
    /// The host found something that is not in the body.
    pub(crate) fn redact(&mut self, number: u32, row: &mut Row<'a>, edits: &mut Edits) -> Result<(), Error> {
        let mut found: Vec<Looked<'a>> = Vec::new();
        while let Some(cell) = self.texts.as_mut().and_then(|cells| cells.of(number)) {
            if let (Part::Value, Some(text)) = (cell.part(), cell.text()) {
                found.push(Looked { cell, text });
            }
        }
        let composite = self.composites.as_mut().and_then(|cells| cells.of(number));
        let mut walk = Walk::new(row.rules(), &found);
        match (composite, found.first()) {
            (Some(cell), _) => {
                let Value::Encoded(encoded) = cell.value() else { return Ok(()) };
                let mut body = Any::decode(encoded);
                walk.body(&mut body);
                if walk.is_reshaped {
                    edits.replace(cell.id(), NewValue::Encoded(&body.encode()));
                } else {
                    walk.write(edits);
                }
            }
            (None, Some(only)) => {
                walk.body(&mut Any::from(only.text));
                walk.write(edits);
            }
            (None, None) => return Ok(()),
        }
        if !walk.rest.is_empty() {
            return Err(Error::at("log.body", "does not hold what was found in it"));
        }
        let lists = walk.lists;
        row.tell_of_body(lists);
        Ok(())
    }
}

/// A scalar in which the host found something.
#[derive(Clone, Copy)]
struct Looked<'a> {
    cell: Cell<'a>,
    text: &'a str,
}

/// A walk through one body.
struct Walk<'w, 'a> {
    rules: &'w Rules,
    /// In which the host found something and which are still to come: it goes through a body in the same order.
    rest: &'w [Looked<'a>],
    lists: Lists,
    /// The way to the value in hand, of so many steps.
    path: String,
    steps: usize,
    changes: Vec<(Looked<'a>, Verdict)>,
    /// Whether the body has changed by more than these.
    is_reshaped: bool,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(rules: &'w Rules, rest: &'w [Looked<'a>]) -> Walk<'w, 'a> {
        let (lists, changes) = (Lists::new(rules.summary), Vec::new());
        Walk { rules, rest, lists, path: String::new(), steps: 0, changes, is_reshaped: false }
    }

    fn body(&mut self, body: &mut Any) {
        if let Any::Map(_) | Any::List(_) = body {
            return self.value(body);
        }
        self.path.push_str("body");
        self.scalar(body);
        // The Collector tells nothing of a body that is allowed as a whole.
        self.lists.allowed.clear();
    }

    /// Edits the scalars that have changed, where they lie.
    fn write(&self, edits: &mut Edits) {
        for (Looked { cell, text }, verdict) in &self.changes {
            let found = Found { cell: cell.id(), text, may_be_printed: true };
            found.put(&self.rules.values, verdict, None, edits);
        }
    }

    fn value(&mut self, value: &mut Any) {
        match value {
            Any::Map(entries) => entries.retain_mut(|(key, value)| {
                let before = self.enter(&[key.as_str()]);
                let stays = self.entry(key, value);
                self.leave(before);
                stays
            }),
            Any::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    let before = self.enter(&["[", &at.to_string(), "]"]);
                    self.value(item);
                    self.leave(before);
                }
            }
            scalar => self.scalar(scalar),
        }
    }

    /// Goes one step further; returns how long the way was before.
    fn enter(&mut self, step: &[&str]) -> usize {
        let before = self.path.len();
        if self.steps > 0 {
            self.path.push('.');
        }
        step.iter().for_each(|part| self.path.push_str(part));
        self.steps += 1;
        before
    }

    fn leave(&mut self, before: usize) {
        self.path.truncate(before);
        self.steps -= 1;
    }

    /// Does to the entry of a map what its key says; whether it stays.
    fn entry(&mut self, key: &str, value: &mut Any) -> bool {
        match self.rules.keys.fate(key) {
            Fate::Ignored => {
                self.lists.ignored.note(&self.path);
                self.pass(value);
            }
            Fate::Removed => {
                self.lists.removed.note(&self.path);
                self.pass(value);
                self.is_reshaped = true;
                return false;
            }
            Fate::Masked => {
                self.lists.masked.note(&self.path);
                self.pass(value);
                self.is_reshaped = true;
                *value = Any::Text(self.rules.values.mask.all(value.as_text().unwrap_or_default()));
            }
            Fate::Looked => self.value(value),
        }
        true
    }

    fn scalar(&mut self, value: &mut Any) {
        let found = self.found(value);
        let verdict = match found {
            Some(Looked { cell, text }) => self.rules.values.judge(text, cell.matches()),
            // What has no text the host does not print.
            None if printed(value).is_empty() => self.rules.values.judge_alone(""),
            None => return,
        };
        let masked = match &verdict {
            Verdict::Left => return,
            Verdict::Allowed => return self.lists.allowed.note(&self.path),
            Verdict::Parts(parts) => self.rules.values.replaced(&printed(value), parts),
            Verdict::Text(masked) => masked.clone(),
        };
        self.lists.masked.note(&self.path);
        *value = Any::Text(masked);
        match found {
            Some(looked) => self.changes.push((looked, verdict)),
            None => self.is_reshaped = true,
        }
    }

    /// What the host found in the scalar in hand, which is the next in which it found anything if it is equal to that: of
    /// equal ones it found something in each.
    fn found(&mut self, value: &Any) -> Option<Looked<'a>> {
        let (next, rest) = self.rest.split_first()?;
        let is_it = *value != Any::Empty && printed(value) == next.text;
        is_it.then(|| {
            self.rest = rest;
            *next
        })
    }

    /// Passes over what is not looked at.
    fn pass(&mut self, value: &Any) {
        match value {
            _ if self.rest.is_empty() => {}
            Any::Map(entries) => entries.iter().for_each(|(_, value)| self.pass(value)),
            Any::List(items) => items.iter().for_each(|item| self.pass(item)),
            scalar => {
                self.found(scalar);
            }
        }
    }
}

/// A scalar as text.
fn printed(value: &Any) -> Cow<'_, str> {
    match value {
        Any::Text(text) => Cow::Borrowed(text),
        value => Cow::Owned(value.printed()),
    }
}
