//! The sampler: from an item's randomness, and the threshold that it comes with, to whether it stays.

use tidegate_sdk::Error;

use crate::config::Config;
use crate::probability::{self, ALWAYS, NEVER};
use crate::randomness::{BUCKETS, MOST};

/// How items are chosen.
pub(crate) struct Sampler {
    pub(crate) mode: Mode,
    fail_closed: bool,
}

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Never,
    /// A hash with this seed against a threshold.
    Hash {
        seed: u32,
        threshold: u64,
    },
    /// An item's own threshold, or this where it is higher.
    Equalizing {
        threshold: u64,
    },
    /// An item's own probability times this.
    Proportional {
        ratio: f64,
        precision: u32,
    },
}

/// What an item comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// None where there is nothing to take it from.
    pub(crate) randomness: Option<u64>,
    /// The threshold that it was sampled by before.
    pub(crate) threshold: Option<u64>,
    /// Something about it could not be read, or forbids to sample it this way.
    pub(crate) failed: bool,
    /// A threshold of its own, such as that of a priority.
    pub(crate) forced: Option<u64>,
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) sampled: bool,
    pub(crate) failed: bool,
    /// The threshold that it comes with from now on; none where its own stays.
    pub(crate) threshold: Option<u64>,
}

impl Sampler {
    pub(crate) fn new(config: &Config) -> Result<Sampler, Error> {
        config.check()?;
        let percentage = config.sampling_percentage.min(100.0);
        let ratio = (f64::from(percentage) / 100.0).max(probability::LEAST);
        let precision = config.sampling_precision;
        let mode = match config.mode.as_str() {
            "" | "hash_seed" | "equalizing" | "proportional" if percentage == 0.0 => Mode::Never,
            "equalizing" => Mode::Equalizing { threshold: probability::threshold(ratio, precision).unwrap_or(ALWAYS) },
            "proportional" => Mode::Proportional { ratio, precision },
            "" | "hash_seed" => by_hash(percentage, config.hash_seed),
            _ => return Err(Error::at("mode", "is none of hash_seed, equalizing and proportional")),
        };
        Ok(Sampler { mode, fail_closed: config.fail_closed })
    }

    /// Decides about an item.
    pub(crate) fn decide(&self, given: &Given) -> Decision {
        let mut own = given.threshold;
        let mut failed = given.failed || given.randomness.is_none();
        let randomness = given.randomness.unwrap_or(MOST);
        if !failed && own.is_some_and(|own| own > randomness) {
            // It should not have come this far: the threshold is a lie.
            failed = true;
            own = None;
        }
        let threshold = match failed {
            true if self.fail_closed => NEVER,
            true => ALWAYS,
            false => self.threshold(own),
        };
        let threshold = given.forced.unwrap_or(threshold);
        // A threshold is raised and never lowered: who was left out before cannot be counted again.
        let is_raised = own.is_none_or(|own| own <= threshold);
        Decision { sampled: threshold <= randomness, failed, threshold: is_raised.then_some(threshold) }
    }

    fn threshold(&self, own: Option<u64>) -> u64 {
        match self.mode {
            Mode::Never => NEVER,
            Mode::Hash { threshold, .. } => threshold,
            Mode::Equalizing { threshold } => own.filter(|own| threshold < *own).unwrap_or(threshold),
            Mode::Proportional { ratio, precision } => {
                let incoming = own.map_or(1.0, probability::of_threshold);
                probability::threshold(incoming * ratio, precision).unwrap_or(NEVER)
            }
        }
    }
}

/// The product is taken in single precision and cut off, as it has always been.
fn by_hash(percentage: f32, seed: u32) -> Mode {
    const PER_PERCENT: f32 = BUCKETS as f32 / 100.0;
    match (percentage * PER_PERCENT) as u64 {
        0 => Mode::Never,
        kept => Mode::Hash { seed, threshold: (BUCKETS - kept) << 42 },
    }
}
