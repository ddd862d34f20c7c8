//! Actions that depend on what a row has: its attributes, as far as they are named or their keys match.

use tidegate_sdk::{Batch, Context, Edits, Error, Plan, ReadId, WriteId};

use super::Skip;
use super::config::Action;
use super::simulate::{Names, Table};
use crate::by_row::ByRow;
use crate::path::attribute;
use crate::pattern::Pattern;

/// What is read for them, and what is known of the keys.
pub(super) struct Rows {
    names: Names,
    reads: Reads,
    write: WriteId,
}

/// How the attributes of the names are read.
enum Reads {
    /// A read for each name.
    Names(Vec<ReadId>),
    /// All attributes whose keys are named or match a pattern.
    Keys(ReadId),
}

/// Reads of its own that names get; beyond that the host looks through all keys.
const OWN_READS: usize = 64;

impl Rows {
    /// Nothing where no action is dynamic.
    pub(super) fn new(list: &[Action], dynamic: &[bool], map: &str, plan: &mut Plan) -> Result<Option<Rows>, Error> {
        if !dynamic.contains(&true) {
            return Ok(None);
        }
        let names = Names::new(list, dynamic)?;
        let patterns: Vec<&Pattern> = list.iter().filter_map(Action::keys).collect();
        let reads = if patterns.is_empty() && names.list.len() <= OWN_READS {
            Reads::Names(names.list.iter().map(|name| plan.read_whole(attribute(map, name), [] as [&str; 0])).collect())
        } else {
            let named = Pattern::exactly("key", names.list.iter().map(String::as_str));
            let all = patterns.into_iter().chain(&named).map(Pattern::for_host);
            Reads::Keys(plan.read_whole(map.to_owned() + "[*]", all))
        };
        Ok(Some(Rows { names, reads, write: plan.write(map.to_owned() + "[*]") }))
    }

    pub(super) fn apply(
        &self,
        list: &[Action],
        context: &Context,
        batch: &Batch<'_>,
        count: u32,
        skip: &impl Skip,
        edits: &mut Edits,
    ) {
        let mut cells = match &self.reads {
            Reads::Names(reads) => reads.iter().map(|read| ByRow::new(batch, *read)).collect(),
            Reads::Keys(read) => vec![ByRow::new(batch, *read)],
        };
        let by_name = matches!(self.reads, Reads::Names(_));
        let mut table = Table::new(list, &self.names, context);
        for row in 0..count {
            table.clear();
            for (at, cells) in cells.iter_mut().enumerate() {
                while let Some(cell) = cells.of(row) {
                    if by_name { table.put(at, &cell) } else { table.put_by_key(&cell) }
                }
            }
            if !skip.skips(row) {
                table.run();
                table.write(self.write, row, edits);
            }
        }
    }
}
