//! Pieces of a script's text, checked before they are used. Edits may share a piece, and pieces may overlap, so that a small
//! text can give a lot to check: long pieces are checked once, and the meter is told of what is.

use std::collections::HashSet;

use super::{EditError, EditFault};
use crate::meter::Meter;
use crate::script::{Script, Slice, Value};

/// Checked bytes, or what costs as much, between two looks at the meter.
const CREDIT: usize = 1 << 16;

/// From so many bytes on it is remembered that a piece is sound.
const LONG: usize = 1 << 9;

/// The pieces of one script.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    script: &'a Script,
    /// Long ones that are text.
    texts: HashSet<Slice>,
    /// Long ones that are encoded values of at most so many messages inside one another.
    encoded: HashSet<(Slice, u32)>,
    /// What was done since the meter was asked last, in bytes.
    cost: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(script: &'a Script) -> Pieces<'a> {
        Pieces { script, texts: HashSet::new(), encoded: HashSet::new(), cost: 0 }
    }

    /// Takes in what something cost.
    pub(super) fn charge(&mut self, cost: usize) {
        self.cost = self.cost.saturating_add(cost);
    }

    /// Asks the meter when enough was done since the last time.
    pub(super) fn ask(&mut self, meter: &mut dyn Meter) -> Result<(), EditError> {
        if self.cost < CREDIT {
            return Ok(());
        }
        self.cost = 0;
        if meter.spent() { Err(EditError::Overrun) } else { Ok(()) }
    }

    /// The bytes of a piece.
    pub(super) fn slice(&self, piece: Slice) -> Result<&'a [u8], EditFault> {
        let Slice { start, end } = piece;
        let bytes = self.script.text.get(start as usize..end as usize);
        bytes.ok_or(EditFault::Slice { start, end, len: self.script.text.len() })
    }

    /// The same, for what goes where only text may stand.
    pub(super) fn text(&mut self, piece: Slice) -> Result<&'a [u8], EditFault> {
        let bytes = self.slice(piece)?;
        if bytes.len() >= LONG && self.texts.contains(&piece) {
            return Ok(bytes);
        }
        self.charge(bytes.len());
        // What edits write is mostly short and ASCII.
        if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
            return Err(EditFault::Utf8 { start: piece.start, end: piece.end });
        }
        if bytes.len() >= LONG {
            self.texts.insert(piece);
        }
        Ok(bytes)
    }

    /// Checks what a value has of the script's text. Where it is encoded, `depth` messages have room for it.
    pub(super) fn value(&mut self, value: Value, depth: u32) -> Result<(), EditFault> {
        match value {
            Value::Text(piece) => self.text(piece).map(|_| ()),
            Value::Bytes(piece) => self.slice(piece).map(|_| ()),
            Value::Encoded(piece) => self.encoded(piece, depth),
            Value::Signed(_) | Value::Double(_) | Value::Boolean(_) => Ok(()),
        }
    }

    fn encoded(&mut self, piece: Slice, depth: u32) -> Result<(), EditFault> {
        let bytes = self.slice(piece)?;
        if bytes.len() >= LONG && self.encoded.contains(&(piece, depth)) {
            return Ok(());
        }
        self.charge(bytes.len());
        host_otlp::check_value(bytes, depth).map_err(EditFault::Encoded)?;
        if bytes.len() >= LONG {
            self.encoded.insert((piece, depth));
        }
        Ok(())
    }
}

/// The bytes of a piece that was checked.
pub(super) fn checked(script: &Script, piece: Slice) -> &[u8] {
    script.text.get(piece.start as usize..piece.end as usize).unwrap_or_default()
}
