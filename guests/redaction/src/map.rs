//! A map of attributes: what is read of it, and how its rows are gone through.

use sdk_collector::by_row::ByRow;
use sdk_collector::pattern::Pattern;
use tidegate_sdk::{Batch, Edits, Error, Level, Part, Plan, ReadId, WriteId};

use crate::audit;
use crate::body::Body;
use crate::config::Summary;
use crate::keys::Fates;
use crate::mask::Mask;
use crate::row::Row;
use crate::text::Found;
use crate::values::Verdict;
use crate::{Rules, Tally};

/// The attributes of the rows of one level.
pub(crate) struct Map {
    level: Level,
    /// The texts in which patterns of values match.
    texts: Option<ReadId>,
    /// The attributes that are seen whatever their value is.
    keyed: Option<ReadId>,
    /// Lists and maps, where they count as text.
    composites: Option<ReadId>,
    write: WriteId,
}

impl Map {
    pub(crate) fn new(path: &str, level: Level, rules: &Rules, plan: &mut Plan) -> Map {
        let Rules { keys, values, summary, all_types, empty } = rules;
        let each = || path.to_owned() + "[*]";
        let texts = (!values.is_empty()).then(|| match all_types {
            true => plan.read_printed(each(), values.for_host()),
            false => plan.read_matching(each(), values.for_host()),
        });
        let all = keys.look_at_all() || *empty != Verdict::Left;
        let tells = *summary != Summary::Silent;
        let mut patterns = keys.for_host(tells);
        if tells {
            patterns.extend(Pattern::exactly("summary", audit::NAMES).iter().map(Pattern::for_host));
        }
        let keyed = (all || !patterns.is_empty()).then(|| {
            let patterns = if all { Vec::new() } else { patterns };
            plan.read_whole(each(), patterns)
        });
        let composites = (*all_types && !all && !values.is_empty()).then(|| plan.read_composites(each()));
        Map { level, texts, keyed, composites, write: plan.write(each()) }
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Does to the rows of a batch what the rules say, and to the bodies of records with them.
    ///
    /// # Errors
    /// A body is not what the host found in it.
    pub(crate) fn redact(
        &self,
        rules: &Rules,
        mut body: Option<&Body>,
        batch: &Batch<'_>,
        edits: &mut Edits,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        if rules.are_plain() {
            if let Some(read) = body.take().and_then(Body::texts) {
                plain(rules, read, true, batch, edits, tally);
            }
            if self.composites.is_none() {
                if let Some(read) = self.texts {
                    plain(rules, read, rules.all_types, batch, edits, tally);
                }
                return Ok(());
            }
        }
        let by_row = |read: Option<ReadId>| read.map(|read| ByRow::new(batch, read));
        let (mut texts, mut keyed, mut composites) = (by_row(self.texts), by_row(self.keyed), by_row(self.composites));
        let mut bodies = body.map(|body| body.by_row(batch));
        let mut fates = Fates::new(&rules.keys);
        let mut row = Row::new(rules, batch);
        for number in 0..batch.count(self.level) {
            row.clear();
            while let Some(cell) = keyed.as_mut().and_then(|cells| cells.of(number)) {
                row.see(&cell);
            }
            while let Some(cell) = texts.as_mut().and_then(|cells| cells.of(number)) {
                row.see_matched(&cell);
            }
            while let Some(cell) = composites.as_mut().and_then(|cells| cells.of(number)) {
                row.see_composite(&cell);
            }
            row.redact(&mut fates);
            if let Some(bodies) = &mut bodies {
                bodies.redact(number, &mut row, edits)?;
            }
            row.write(self.write, number, edits);
        }
        tally.masked += row.tally().masked;
        tally.removed += row.tally().removed;
        Ok(())
    }
}

/// Masks what matches in the cells of a read, where nothing else decides.
fn plain(rules: &Rules, read: ReadId, may_be_printed: bool, batch: &Batch<'_>, edits: &mut Edits, tally: &mut Tally) {
    let stars = matches!(rules.values.mask, Mask::Stars).then(|| edits.text(crate::mask::STARS));
    for column in batch.columns(read).filter(|column| column.part() == Part::Value) {
        let mut rest = column.matches();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|found| found.index == first.index).count();
            let (matches, after) = rest.split_at(count);
            rest = after;
            // A byte string is no text; where all types are, it comes printed.
            let Some(text) = column.text(first.index) else { continue };
            let found = Found { cell: column.id(first.index), text, may_be_printed };
            let changes = found.put(&rules.values, &rules.values.judge(text, matches), stars, edits);
            tally.masked += u64::from(changes);
        }
    }
}
