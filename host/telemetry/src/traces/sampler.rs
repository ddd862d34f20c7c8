//! Which requests have spans, as the configuration says.

use host_config::telemetry::{ParentBased, Sampler as Written};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// A sampler that was written. The library's own that goes by the parent knows what to do without one, and nothing else.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    Library(Sampler),
    Parent(Box<Parent>),
}

impl Chosen {
    pub(crate) fn of(written: Option<&Written>) -> Self {
        let Some(written) = written else { return Chosen::Parent(Box::new(Parent::of(&ParentBased::default()))) };
        if let Some(parent) = &written.parent_based {
            return Chosen::Parent(Box::new(Parent::of(parent)));
        }
        Chosen::Library(match written.trace_id_ratio_based {
            Some(ratio) => Sampler::TraceIdRatioBased(ratio.ratio),
            None if written.always_off.is_some() => Sampler::AlwaysOff,
            None => Sampler::AlwaysOn,
        })
    }
}

/// Goes by what the parent was decided to be.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    root: Chosen,
    remote: Children,
    local: Children,
}

/// The samplers below parents that were sampled, and that were not.
#[derive(Clone, Debug)]
struct Children {
    sampled: Chosen,
    not_sampled: Chosen,
}

impl Parent {
    fn of(written: &ParentBased) -> Self {
        let or = |sampler: &Option<Written>, default: Sampler| match sampler {
            Some(written) => Chosen::of(Some(written)),
            None => Chosen::Library(default),
        };
        let children = |sampled, not_sampled| Children {
            sampled: or(sampled, Sampler::AlwaysOn),
            not_sampled: or(not_sampled, Sampler::AlwaysOff),
        };
        Parent {
            root: or(&written.root, Sampler::AlwaysOn),
            remote: children(&written.remote_parent_sampled, &written.remote_parent_not_sampled),
            local: children(&written.local_parent_sampled, &written.local_parent_not_sampled),
        }
    }

    fn sampler(&self, parent: Option<&Context>) -> &Chosen {
        let Some(parent) = parent.filter(|parent| parent.span().span_context().is_valid()) else { return &self.root };
        let span = parent.span();
        let children = if span.span_context().is_remote() { &self.remote } else { &self.local };
        if span.span_context().is_sampled() { &children.sampled } else { &children.not_sampled }
    }
}

impl ShouldSample for Chosen {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler: &dyn ShouldSample = match self {
            Chosen::Library(sampler) => sampler,
            Chosen::Parent(parent) => parent.sampler(parent_context),
        };
        sampler.should_sample(parent_context, trace_id, name, span_kind, attributes, links)
    }
}
