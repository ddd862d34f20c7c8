//! The meeting of a host's processors of one module over an edition of it: none takes it up before all of them can.
//!
//! Each gets the edition ready by itself and says so. Whoever waits for the others holds nothing that these need for
//! that, and is told of the verdict; what it has ready is its own to keep or to drop.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What has become of an edition in one processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// Why it was not taken up: what ran before runs on.
    Refused(String),
    /// Why it was taken up and given up again.
    RolledBack(String),
}

/// What a processor says of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    /// It can run it, and waits for the others.
    Ready,
    Stands(Standing),
}

/// What the processors have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Some have not said anything yet in this round.
    Open { round: u64 },
    /// One cannot run it, and so none does. Where that one goes, or thinks better of it, all are asked again.
    Refused { round: u64 },
    /// All can: it is in force, and stays so whoever comes later.
    Agreed,
    /// It was replaced before they came to something.
    Superseded,
}

/// The processors that there are, by a number of their own, with their names.
pub(crate) type Present = BTreeMap<u64, String>;

#[derive(Debug)]
pub(crate) struct Meeting {
    words: Mutex<Words>,
    verdict: watch::Sender<Verdict>,
}

/// What was said, by whom.
#[derive(Debug, Default)]
struct Words {
    of: BTreeMap<u64, Word>,
    count: u64,
}

#[derive(Debug)]
struct Word {
    /// Of those who are against it, the first is quoted.
    order: u64,
    say: Say,
    /// The same for others to read: it names the processor where there are several.
    told: Option<Standing>,
}

impl Meeting {
    /// `is_agreed` where it was in force before on this host.
    pub(crate) fn new(is_agreed: bool) -> Self {
        let verdict = if is_agreed { Verdict::Agreed } else { Verdict::Open { round: 0 } };
        Meeting { words: Mutex::default(), verdict: watch::Sender::new(verdict) }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        *self.verdict.borrow()
    }

    pub(crate) fn hear(&self) -> watch::Receiver<Verdict> {
        self.verdict.subscribe()
    }

    /// Takes what one of those says who are present.
    pub(crate) fn say(&self, present: &Present, who: u64, say: Say) {
        let mut words = self.words();
        self.note(&mut words, present, who, say);
        self.weigh(&mut words, present);
    }

    /// Somebody has left.
    pub(crate) fn review(&self, present: &Present) {
        self.weigh(&mut self.words(), present);
    }

    /// Waits no longer: `reason` is what those are said to be against it for who have not said anything.
    pub(crate) fn close(&self, present: &Present, reason: &str) {
        let mut words = self.words();
        if matches!(self.verdict(), Verdict::Open { .. }) {
            for who in present.keys().filter(|who| !words.of.contains_key(who)).copied().collect::<Vec<_>>() {
                self.note(&mut words, present, who, Say::Stands(Standing::Refused(reason.to_owned())));
            }
            self.weigh(&mut words, present);
        }
    }

    /// Another edition is in its place: it does not come into force any more.
    pub(crate) fn supersede(&self) {
        let _words = self.words();
        self.verdict.send_if_modified(|verdict| {
            let is_news = !matches!(verdict, Verdict::Agreed | Verdict::Superseded);
            if is_news {
                *verdict = Verdict::Superseded;
            }
            is_news
        });
    }

    /// How it stands with all who are present together: the worst of it, and none while one of them has not come to an
    /// end.
    pub(crate) fn standing(&self, present: &Present) -> Option<Standing> {
        let words = self.words();
        let said = || present.keys().map(|who| words.of.get(who));
        let against = said().flatten().filter(|word| word.say.is_against());
        if let Some(first) = against.min_by_key(|word| word.order) {
            return first.told.clone();
        }
        let is_live = |word: Option<&Word>| word.is_some_and(Word::is_live);
        (!present.is_empty() && said().all(is_live)).then_some(Standing::Live)
    }

    /// Whether it is live in one of those who are present.
    pub(crate) fn runs(&self, present: &Present) -> bool {
        let words = self.words();
        present.keys().filter_map(|who| words.of.get(who)).any(Word::is_live)
    }

    fn note(&self, words: &mut Words, present: &Present, who: u64, say: Say) {
        let Some(name) = present.get(&who) else { return };
        if words.of.get(&who).is_some_and(|word| word.say == say) {
            return;
        }
        // While a configuration takes over from another, a processor may be there twice.
        let mut others = present.iter().filter(|(_, other)| *other != name).map(|(other, _)| other).peekable();
        let is_alone = others.peek().is_none();
        let runs_elsewhere = others.filter_map(|other| words.of.get(other)).any(Word::is_live);
        let named = |reason: &str| match is_alone {
            true => reason.to_owned(),
            false if runs_elsewhere && self.verdict() == Verdict::Agreed => {
                format!("{name} refuses what other processors of the module run here: {reason}")
            }
            false => format!("{name}: {reason}"),
        };
        let told = match &say {
            Say::Ready => None,
            Say::Stands(Standing::Live) => Some(Standing::Live),
            Say::Stands(Standing::Refused(reason)) => Some(Standing::Refused(named(reason))),
            Say::Stands(Standing::RolledBack(reason)) => Some(Standing::RolledBack(reason.clone())),
        };
        words.count += 1;
        let order = words.count;
        words.of.insert(who, Word { order, say, told });
    }

    /// Comes to a verdict, where what was said suffices for one.
    fn weigh(&self, words: &mut Words, present: &Present) {
        words.of.retain(|who, _| present.contains_key(who));
        let is_refused = words.of.values().any(|word| word.say.is_against());
        let have_all_spoken = !present.is_empty() && present.keys().all(|who| words.of.contains_key(who));
        let verdict = match self.verdict() {
            Verdict::Open { round } if is_refused => Verdict::Refused { round },
            Verdict::Open { .. } if have_all_spoken => Verdict::Agreed,
            // Whoever was ready has dropped what it had.
            Verdict::Refused { round } if !is_refused => {
                words.of.clear();
                Verdict::Open { round: round + 1 }
            }
            verdict => verdict,
        };
        self.verdict.send_if_modified(|before| std::mem::replace(before, verdict) != verdict);
    }

    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Word {
    fn is_live(&self) -> bool {
        self.say == Say::Stands(Standing::Live)
    }
}

impl Say {
    fn is_against(&self) -> bool {
        matches!(self, Say::Stands(Standing::Refused(_) | Standing::RolledBack(_)))
    }
}
