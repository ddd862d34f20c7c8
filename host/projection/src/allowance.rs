//! An allowance is what one walk may still take: time, of which the meter tells, and room for what it packs.

use crate::meter::Meter;

/// Scanned bytes, or what costs as much, between two looks at the meter.
const CREDIT: i64 = 1 << 16;

/// Time and room; when either is spent, the work in hand is given up.
pub(crate) struct Allowance<'m> {
    meter: &'m mut dyn Meter,
    /// What may be done before the meter is asked again.
    credit: i64,
    /// Bytes that may still be packed.
    room: usize,
    spent: bool,
}

impl<'m> Allowance<'m> {
    pub(crate) fn new(meter: &'m mut dyn Meter, room: usize) -> Allowance<'m> {
        Allowance { meter, credit: CREDIT, room, spent: false }
    }

    /// Asks the meter when enough was done since the last time. `cost` is in scanned bytes; more than fits between two
    /// looks counts as just that.
    #[inline]
    pub(crate) fn charge(&mut self, cost: usize) {
        self.credit -= cost.min(CREDIT as usize) as i64;
        if self.credit < 0 {
            self.ask();
        }
    }

    #[cold]
    fn ask(&mut self) {
        self.credit = CREDIT;
        self.spent |= self.meter.spent();
    }

    /// Takes room for so many bytes.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) {
        match self.room.checked_sub(bytes) {
            Some(left) => self.room = left,
            None => self.spent = true,
        }
    }

    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }
}
