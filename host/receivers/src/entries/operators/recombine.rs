//! `recombine`: several entries of one source become one.

use std::time::{Duration, Instant};

use super::join::{Join, Kept};
use super::{Flow, Sink};
use crate::entries::entry::{Entry, FileId, Value};
use crate::entries::expression::Expression;
use crate::entries::field::Field;
use crate::entries::settings::Operator;

pub(crate) struct Recombine {
    field: Field,
    with: String,
    is_first: Option<Expression>,
    is_last: Option<Expression>,
    max_batch: usize,
    max_size: usize,
    keeps_newest: bool,
    period: Duration,
    source: Field,
    parts: Join<String>,
}

impl Recombine {
    pub(crate) fn new(operator: &Operator) -> Result<Self, String> {
        let source = operator.source_identifier.as_deref();
        let keeps_newest = match operator.overwrite_with.as_deref() {
            None | Some("newest" | "") => true,
            Some("oldest") => false,
            Some(other) => return Err(format!("overwrite_with: {other:?} is neither `newest` nor `oldest`")),
        };
        let or_all = |most: usize| if most == 0 { usize::MAX } else { most };
        Ok(Recombine {
            field: Field::parse(operator.combine_field.as_deref().ok_or("`combine_field` is missing")?)?,
            with: operator.combine_with.clone().unwrap_or_else(|| "\n".to_owned()),
            is_first: operator.is_first_entry.as_deref().map(Expression::parse).transpose()?,
            is_last: operator.is_last_entry.as_deref().map(Expression::parse).transpose()?,
            max_batch: or_all(operator.max_batch_size.unwrap_or(1_000)),
            max_size: or_all(operator.max_log_size.map_or(0, |size| size.0 as usize)),
            keeps_newest,
            period: operator.force_flush_period.unwrap_or(Duration::from_secs(5)),
            source: source.map_or(Ok(Field::attribute("log.file.path")), Field::parse)?,
            parts: Join::new(operator.max_sources.unwrap_or(1_000).max(1)),
        })
    }

    pub(crate) fn run<'a>(&mut self, entry: Entry<'a>, now: Instant, sink: &mut dyn Sink) -> Flow<'a> {
        let Some(text) = self.field.get(&entry).and_then(Value::as_text).map(str::to_owned) else {
            return Flow::Failed(entry, "there is no text to combine".to_owned());
        };
        let source = self.source.get(&entry).and_then(Value::as_text).map(str::to_owned);
        let source = source.unwrap_or_else(|| entry.origin.lineage.to_string());
        let is_first = self.is_first.as_ref().is_some_and(|first| first.holds(&entry));
        let is_last = self.is_last.as_ref().is_some_and(|last| last.holds(&entry));
        let before = if is_first { self.parts.take(&source) } else { None };
        let newest = (self.keeps_newest && self.parts.get(&source).is_some()).then(|| entry.clone());
        let surplus = self.parts.add(&source, entry, &text, &self.with, now);
        if let Some(newest) = newest {
            self.parts.overwrite(&source, newest);
        }
        let is_full = |kept: &Kept| kept.count >= self.max_batch || kept.text.len() > self.max_size;
        let done = is_last || self.parts.get(&source).is_some_and(is_full);
        // One that is pushed out and one that is done are never two: what is done had a place, or took the one of another
        // and goes with the next.
        let ready = before.or(surplus).or_else(|| if done { self.parts.take(&source) } else { None });
        match ready {
            Some(kept) => Flow::On(self.whole(kept, sink)),
            None => Flow::Kept,
        }
    }

    fn whole(&self, kept: Kept, sink: &mut dyn Sink) -> Entry<'static> {
        let body = kept.entry.body.clone();
        let text = kept.text.clone();
        let mut whole = kept.release(sink);
        whole.body = body;
        if let Err(error) = self.field.set(&mut whole, Value::text(text)) {
            tracing::debug!(error, "not combined");
        }
        whole
    }

    pub(crate) fn flush(
        &mut self,
        now: Instant,
        waits: &dyn Fn(u64) -> bool,
        sink: &mut dyn Sink,
    ) -> Vec<Entry<'static>> {
        if self.parts.is_empty() {
            return Vec::new();
        }
        let due = self
            .parts
            .due(|kept| now.saturating_duration_since(kept.since) >= self.period && !waits(kept.entry.origin.lineage));
        due.into_iter().map(|kept| self.whole(kept, sink)).collect()
    }

    pub(crate) fn kept(&self) -> impl Iterator<Item = (FileId, u64)> {
        self.parts.kept()
    }
}
