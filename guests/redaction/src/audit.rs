//! The audit: attributes that tell how many others were removed, masked, allowed and ignored, and which.

use crate::config::Summary;
use crate::row::{Change, Row};
use crate::values::Verdict;

/// What was done in one map or body, by key.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) removed: List,
    pub(crate) masked: List,
    pub(crate) allowed: List,
    pub(crate) ignored: List,
}

/// Keys to which one thing was done.
#[derive(Debug)]
pub(crate) struct List {
    count: usize,
    /// Where they are told of.
    keys: Option<Vec<String>>,
}

/// The names of the attributes: of keys and of their number.
pub(crate) struct Names {
    removed: (&'static str, &'static str),
    masked: (&'static str, &'static str),
    allowed: (&'static str, &'static str),
    ignored: &'static str,
}

pub(crate) const ATTRIBUTES: Names = Names {
    removed: (NAMES[0], NAMES[1]),
    masked: (NAMES[2], NAMES[3]),
    allowed: (NAMES[4], NAMES[5]),
    ignored: NAMES[6],
};

pub(crate) const BODY: Names = Names {
    removed: (NAMES[7], NAMES[8]),
    masked: (NAMES[9], NAMES[10]),
    allowed: (NAMES[11], NAMES[12]),
    ignored: NAMES[13],
};

pub(crate) const NAMES: [&str; 14] = [
    "redaction.redacted.keys",
    "redaction.redacted.count",
    "redaction.masked.keys",
    "redaction.masked.count",
    "redaction.allowed.keys",
    "redaction.allowed.count",
    "redaction.ignored.count",
    "redaction.body.redacted.keys",
    "redaction.body.redacted.count",
    "redaction.body.masked.keys",
    "redaction.body.masked.count",
    "redaction.body.allowed.keys",
    "redaction.body.allowed.count",
    "redaction.body.ignored.count",
];

/// Between keys.
const COMMA: char = ',';

impl List {
    fn new(is_told: bool) -> List {
        List { count: 0, keys: is_told.then(Vec::new) }
    }

    /// Takes in a key.
    pub(crate) fn note(&mut self, key: &str) {
        self.count += 1;
        if let Some(keys) = &mut self.keys {
            keys.push(key.to_owned());
        }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        if let Some(keys) = &mut self.keys {
            keys.clear();
        }
    }

    /// How many keys there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Lists {
    pub(crate) fn new(summary: Summary) -> Lists {
        let list = || List::new(summary == Summary::Keys);
        Lists { removed: list(), masked: list(), allowed: list(), ignored: List::new(false) }
    }

    /// Writes the attributes into the row. What another processor of this kind has written is added to.
    pub(crate) fn tell(self, summary: Summary, names: &Names, row: &mut Row<'_>) {
        if summary == Summary::Silent {
            return;
        }
        let lists = [
            (self.removed, Some(names.removed.0), names.removed.1),
            (self.masked, Some(names.masked.0), names.masked.1),
            (self.allowed, Some(names.allowed.0), names.allowed.1),
            (self.ignored, None, names.ignored),
        ];
        for (list, name, count_name) in lists {
            let count = list.count as i64;
            if count == 0 {
                continue;
            }
            if let (Some(name), Some(mut keys)) = (name, list.keys) {
                let before = row.text(name).unwrap_or_default();
                if !before.is_empty() {
                    keys.extend(before.split(COMMA).map(str::to_owned));
                }
                keys.sort_unstable();
                row.set(name, Change::Masked(Verdict::Text(keys.join(","))));
            }
            row.set(count_name, Change::Count(row.count(count_name).wrapping_add(count)));
        }
    }
}
