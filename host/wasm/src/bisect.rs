//! The bisection finds out which items of a batch a module fails on, so that they alone stay behind.
//!
//! The batch is halved, and the first half tried. Where that passes, the fault lies in the second; where it fails, the second
//! waits, joined with whatever waits behind it. So one bad item costs about as many calls as the batch can be halved, and
//! what waited costs one more. An item is poison only when it failed alone.

use crate::generation::BatchError;

/// Calls beyond those that one poison item needs.
const SPARE: u32 = 8;

/// Something that can be tried in parts.
pub(crate) trait Divisible: Sized {
    fn items(&self) -> u64;

    /// Two parts, in order, neither of them empty; itself where it cannot be cut.
    fn halve(self) -> Result<(Self, Self), Self>;

    fn join(self, behind: Self) -> Self;
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bisected<T, R> {
    /// Every item was either processed or is poison.
    Found { passed: Vec<R>, poison: Vec<(T, BatchError)> },
    /// There were no calls or no time left: the module fails on too much for the data to be at fault.
    Spent(BatchError),
    /// A failure that says nothing of module or data.
    Stopped(BatchError),
}

/// How many calls a batch of so many items is worth: 2·log2(n) + 8.
pub(crate) fn calls_for(items: u64) -> u32 {
    let items = u128::from(items.max(1));
    (items * items).ilog2() + SPARE
}

/// Tries `whole`, which failed with `reason`, in parts. `is_late` is asked before each call whether time is up.
pub(crate) fn bisect<T: Divisible, R>(
    whole: T,
    reason: BatchError,
    call: impl FnMut(&T) -> Result<R, BatchError>,
    is_late: impl FnMut() -> bool,
) -> Bisected<T, R> {
    let (left, last) = (calls_for(whole.items()), reason.clone());
    let mut search = Search { call, is_late, left, last, passed: Vec::new(), poison: Vec::new() };
    match search.run(whole, reason) {
        Ok(()) => Bisected::Found { passed: search.passed, poison: search.poison },
        Err(Ended::Spent) => Bisected::Spent(search.last),
        Err(Ended::Stopped(reason)) => Bisected::Stopped(reason),
    }
}

enum Ended {
    Spent,
    Stopped(BatchError),
}

struct Search<T, R, C, L> {
    call: C,
    is_late: L,
    left: u32,
    /// What a part failed with last.
    last: BatchError,
    passed: Vec<R>,
    poison: Vec<(T, BatchError)>,
}

/// A part that failed, or is known to hold what did.
struct Suspect<T> {
    part: T,
    reason: BatchError,
    /// Whether it was tried itself.
    was_tried: bool,
}

impl<T, R, C, L> Search<T, R, C, L>
where
    T: Divisible,
    C: FnMut(&T) -> Result<R, BatchError>,
    L: FnMut() -> bool,
{
    fn run(&mut self, whole: T, reason: BatchError) -> Result<(), Ended> {
        let whole = match whole.halve() {
            Ok(halves) => halves,
            // It was tried twice before it came here.
            Err(single) => {
                self.poison.push((single, reason));
                return Ok(());
            }
        };
        let mut waiting = None;
        let mut next = self.narrow(whole, reason, &mut waiting)?;
        loop {
            let Some(Suspect { part, reason, was_tried }) = next.take() else {
                let Some(part) = waiting.take() else { return Ok(()) };
                next = self.attempt(part)?;
                continue;
            };
            match part.halve() {
                Ok(halves) => next = self.narrow(halves, reason, &mut waiting)?,
                Err(single) => self.judge(single, reason, was_tried)?,
            }
        }
    }

    /// Tries the first half of what failed; what is suspected then, if anything.
    fn narrow(
        &mut self,
        (first, second): (T, T),
        reason: BatchError,
        waiting: &mut Option<T>,
    ) -> Result<Option<Suspect<T>>, Ended> {
        if let Some(suspect) = self.attempt(first)? {
            *waiting = Some(match waiting.take() {
                Some(behind) => second.join(behind),
                None => second,
            });
            return Ok(Some(suspect));
        }
        // Half of what was too much may be little enough.
        if reason.may_be_for_size() || second.items() <= 1 {
            return self.attempt(second);
        }
        Ok(Some(Suspect { part: second, reason, was_tried: false }))
    }

    /// An item that failed alone is poison; the time that it took may have been the machine's.
    fn judge(&mut self, single: T, reason: BatchError, was_tried: bool) -> Result<(), Ended> {
        let failed = match was_tried && !reason.is_overrun() {
            true => Some(Suspect { part: single, reason, was_tried }),
            false => self.attempt(single)?,
        };
        self.poison.extend(failed.map(|suspect| (suspect.part, suspect.reason)));
        Ok(())
    }

    /// Tries a part: nothing is suspected where it passes.
    fn attempt(&mut self, part: T) -> Result<Option<Suspect<T>>, Ended> {
        if self.left == 0 || (self.is_late)() {
            return Err(Ended::Spent);
        }
        self.left -= 1;
        match (self.call)(&part) {
            Ok(done) => {
                self.passed.push(done);
                Ok(None)
            }
            Err(reason) if reason.is_for_want_of_room() => Err(Ended::Stopped(reason)),
            Err(reason) => {
                self.last = reason.clone();
                Ok(Some(Suspect { part, reason, was_tried: true }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
