//! The collector's own traces.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Detail;
use super::processor::{self, Processor};
use crate::check::Wrong;

/// `service.telemetry.traces`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// `none` makes no spans; the others are alike.
    pub level: Detail,
    /// Whose headers say which trace a request belongs to, and are sent with what goes out.
    pub propagators: Vec<Propagator>,
    /// Where spans go; without any there are none.
    pub processors: Vec<Processor>,
    /// Which requests have spans: those whose sender's has one, and all that come without one, unless it is set.
    pub sampler: Option<Sampler>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Propagator {
    TraceContext,
    B3,
}

/// Exactly one of its keys.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sampler {
    pub always_on: Option<Nothing>,
    pub always_off: Option<Nothing>,
    pub trace_id_ratio_based: Option<Ratio>,
    pub parent_based: Option<Box<ParentBased>>,
}

/// `{}`, or nothing at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ratio {
    /// From 0 to 1.
    pub ratio: f64,
}

impl Default for Ratio {
    fn default() -> Self {
        Ratio { ratio: 1.0 }
    }
}

/// By what the parent was decided to be; `root` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParentBased {
    pub root: Option<Sampler>,
    pub remote_parent_sampled: Option<Sampler>,
    pub remote_parent_not_sampled: Option<Sampler>,
    pub local_parent_sampled: Option<Sampler>,
    pub local_parent_not_sampled: Option<Sampler>,
}

impl Traces {
    /// Whether there are any.
    pub fn are_on(&self) -> bool {
        self.level != Detail::None && !self.processors.is_empty()
    }

    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = processor::wrongs(&self.processors, "traces.processors");
        if let Some(sampler) = &self.sampler {
            sampler.check("traces.sampler", &mut wrongs);
        }
        wrongs
    }
}

impl Sampler {
    fn check(&self, at: &str, wrongs: &mut Vec<Wrong>) {
        let Sampler { always_on, always_off, trace_id_ratio_based, parent_based } = self;
        let written =
            [always_on.is_some(), always_off.is_some(), trace_id_ratio_based.is_some(), parent_based.is_some()];
        if written.into_iter().filter(|is_there| *is_there).count() != 1 {
            let message = "write one of always_on, always_off, trace_id_ratio_based and parent_based";
            wrongs.push(Wrong::new(at, message));
        }
        if trace_id_ratio_based.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio.ratio)) {
            wrongs.push(Wrong::new(format!("{at}.trace_id_ratio_based.ratio"), "it has to lie between 0 and 1"));
        }
        for (key, sampler) in parent_based.iter().flat_map(|parent| parent.samplers()) {
            if let Some(sampler) = sampler {
                sampler.check(&format!("{at}.parent_based.{key}"), wrongs);
            }
        }
    }
}

impl ParentBased {
    fn samplers(&self) -> [(&'static str, &Option<Sampler>); 5] {
        [
            ("root", &self.root),
            ("remote_parent_sampled", &self.remote_parent_sampled),
            ("remote_parent_not_sampled", &self.remote_parent_not_sampled),
            ("local_parent_sampled", &self.local_parent_sampled),
            ("local_parent_not_sampled", &self.local_parent_not_sampled),
        ]
    }
}
