//! A text in which the host found something, and what is put in its place.

use tidegate_sdk::{CellId, Edits, Text};

use crate::values::{Values, Verdict};

/// A text as a cell has it.
pub(crate) struct Found<'a> {
    pub(crate) cell: CellId,
    pub(crate) text: &'a str,
    /// Whether the cell is of a read that prints: a number, a truth value or a byte string may be behind it.
    pub(crate) may_be_printed: bool,
}

impl Found<'_> {
    /// Puts down what becomes of it; whether it changes. `stars` are those of the edits, where they are there already.
    pub(crate) fn put(&self, values: &Values, verdict: &Verdict, stars: Option<Text>, edits: &mut Edits) -> bool {
        match verdict {
            Verdict::Left | Verdict::Allowed => return false,
            // Nothing can be spliced into what is no text.
            Verdict::Parts(parts) if self.may_be_printed && may_be_no_text(self.text) => {
                edits.replace(self.cell, values.replaced(self.text, parts).as_str());
            }
            Verdict::Parts(parts) => self.splice(values, parts, stars, edits),
            Verdict::Text(text) => edits.replace(self.cell, text.as_str()),
        }
        true
    }

    /// Puts a mask in the place of each part.
    fn splice(&self, values: &Values, parts: &[(u32, u32)], stars: Option<Text>, edits: &mut Edits) {
        for &(start, end) in parts {
            match stars {
                Some(stars) => edits.splice(self.cell, start..end, stars),
                None => {
                    let part = self.text.get(start as usize..end as usize).unwrap_or_default();
                    edits.splice(self.cell, start..end, values.mask.of(part).as_str());
                }
            }
        }
    }
}

/// Whether a number, a truth value or a byte string may be printed as this: it has only what digits and base64 consist of.
fn may_be_no_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=.-".contains(&byte))
}
