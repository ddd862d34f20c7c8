//! The edits of one cell: parts of its text, or all of it.

use super::LEVELS;
use crate::testing::build::TestBatch;
use crate::testing::project::Place;
use crate::{Any, Error};

/// The edits of one cell.
#[derive(Default)]
pub(super) struct CellEdits {
    pub(super) splices: Vec<(u32, u32, String)>,
    /// `None` removes it.
    pub(super) whole: Option<Option<Any>>,
}

/// The field of a place, and the keys on the way to it.
pub(super) fn names<'b>(batch: &'b TestBatch, place: &Place) -> (&'b str, Vec<&'b str>) {
    let (field, value) = &batch.rows(LEVELS[place.level])[place.row].fields[place.field];
    let mut value = value;
    let mut keys = Vec::new();
    for &step in &place.steps {
        match value {
            Any::Map(entries) => {
                keys.push(entries[step].0.as_str());
                value = &entries[step].1;
            }
            Any::List(items) => value = &items[step],
            _ => break,
        }
    }
    (field, keys)
}

/// Takes a replacement or, with `None`, a removal.
pub(super) fn whole(cell: &mut CellEdits, value: Option<Any>) -> Result<(), Error> {
    if cell.whole.is_some() || !cell.splices.is_empty() {
        return Err(Error::new("two edits of one cell"));
    }
    cell.whole = Some(value);
    Ok(())
}

impl Place {
    /// Whether removing this cell takes the other with it.
    pub(super) fn removes(&self, other: &Place) -> bool {
        (self.level, self.row, self.field) == (other.level, other.row, other.field)
            && other.steps.starts_with(&self.steps)
    }
}

/// Edits one cell in a batch whose later places were edited before.
pub(super) fn edit_cell(after: &mut TestBatch, place: &Place, edits: CellEdits) -> Result<(), Error> {
    let fields = &mut after.rows_mut(LEVELS[place.level])[place.row].fields;
    if edits.whole == Some(None) && place.steps.is_empty() {
        fields.remove(place.field);
        return Ok(());
    }
    let mut value = &mut fields[place.field].1;
    let mut steps = place.steps.iter().peekable();
    while let Some(&step) = steps.next() {
        let last = steps.peek().is_none();
        match value {
            Any::Map(entries) if last && edits.whole == Some(None) => {
                entries.remove(step);
                return Ok(());
            }
            Any::List(items) if last && edits.whole == Some(None) => {
                items.remove(step);
                return Ok(());
            }
            Any::Map(entries) if last && place.key => return edit_text(&mut entries[step].0, edits),
            Any::Map(entries) => value = &mut entries[step].1,
            Any::List(items) => value = &mut items[step],
            _ => return Err(Error::new("a cell lies under a value that has nothing under it")),
        }
    }
    match (value, edits.whole) {
        (value, Some(Some(new))) => *value = new,
        (Any::Text(text), None) => return edit_text(text, CellEdits { whole: None, ..edits }),
        _ => return Err(Error::new("a splice of what is no text")),
    }
    Ok(())
}

fn edit_text(text: &mut String, mut edits: CellEdits) -> Result<(), Error> {
    if let Some(new) = edits.whole {
        let Some(Any::Text(new)) = new else { return Err(Error::new("a key is text")) };
        *text = new;
        return Ok(());
    }
    edits.splices.sort_unstable();
    if edits.splices.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(Error::new("two splices overlap"));
    }
    for (start, end, with) in edits.splices.iter().rev() {
        let range = *start as usize..*end as usize;
        if text.get(range.clone()).is_none() {
            return Err(Error::new("a splice is outside its cell or within a character"));
        }
        text.replace_range(range, with);
    }
    Ok(())
}
