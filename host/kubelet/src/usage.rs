//! How much CPU is used: what the time has grown by between two samples of the kubelet, over the time between them.
//!
//! What is remembered is one sample of each object of the last scrape; what is not in a scrape is forgotten with it.

use std::collections::HashMap;

/// Whose time it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    Node,
    SystemContainer(String),
    Pod(String),
    Container { pod: String, name: String },
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Nanoseconds since the Unix epoch.
    at: u64,
    nanoseconds: i64,
    scrape: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Usage {
    samples: HashMap<Whose, Sample>,
    scrape: u64,
}

impl Usage {
    /// Cores that are used. Nothing for what is there for the first time, where the kubelet has not looked since, and where the
    /// time has become less: it has begun anew then.
    pub(crate) fn cores(&mut self, whose: Whose, at: u64, nanoseconds: i64) -> Option<f64> {
        let sample = Sample { at, nanoseconds, scrape: self.scrape };
        let before = self.samples.insert(whose, sample)?;
        let elapsed = at.checked_sub(before.at).filter(|elapsed| *elapsed > 0)?;
        let used = nanoseconds.checked_sub(before.nanoseconds).filter(|used| *used >= 0)?;
        Some(used as f64 / elapsed as f64)
    }

    /// Ends a scrape: gives how many objects are remembered.
    pub(crate) fn finish(&mut self) -> usize {
        let scrape = self.scrape;
        self.samples.retain(|_, sample| sample.scrape == scrape);
        self.scrape += 1;
        self.samples.len()
    }
}

#[cfg(test)]
mod tests;
