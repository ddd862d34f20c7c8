//! The collector's own traces: a span for each step of the way of a request.
//!
//! There are none unless the configuration asks for them, and then for as long as the process lives. Whoever begins a step
//! asks [`step`], which without traces is one look at a place that never changes. The step that is going on is known to what
//! is polled in it, by [`within`], so that nobody has to hand it on; where data waits for other data, its [`Place`] is kept.

mod b3;
mod headers;
mod sampler;

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use host_component::Outcome;
use host_config::telemetry::{Propagator, Traces};
use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    FutureExt as _, Link, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use prost::Message as _;

use self::headers::{Headers, HeadersMut};
use self::sampler::Chosen;
use crate::own::{Queue, offer};

static TRACER: OnceLock<Tracer> = OnceLock::new();

/// Makes spans.
struct Tracer {
    library: SdkTracer,
    propagators: Vec<Propagator>,
}

/// Has there be traces, from here on.
pub(crate) fn install(traces: &Traces, queues: Vec<Queue<SpanData>>) {
    // A process has one configuration of these, and the first is it.
    let _ = TRACER.set(Tracer::new(traces, queues));
}

/// Whether there are traces.
pub fn are_on() -> bool {
    TRACER.get().is_some()
}

/// One step of the way of a request. It ends when it is dropped.
pub struct Step(Context);

/// Begins a step within the one that is going on.
pub fn step(name: &str, attributes: &[(&'static str, &str)]) -> Option<Step> {
    let tracer = TRACER.get()?;
    Some(tracer.begin(name, SpanKind::Internal, attributes, &Context::current(), Vec::new()))
}

impl Tracer {
    fn new(traces: &Traces, queues: Vec<Queue<SpanData>>) -> Self {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Chosen::of(traces.sampler.as_ref()))
            .with_span_processor(Outlets(queues))
            .with_resource(opentelemetry_sdk::Resource::builder_empty().build())
            .build();
        let scope = InstrumentationScope::builder("tidegate").with_version(env!("CARGO_PKG_VERSION")).build();
        Tracer { library: provider.tracer_with_scope(scope), propagators: traces.propagators.clone() }
    }

    fn begin(
        &self,
        name: &str,
        kind: SpanKind,
        attributes: &[(&'static str, &str)],
        parent: &Context,
        links: Vec<Link>,
    ) -> Step {
        let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, (*value).to_owned()));
        let builder = self.library.span_builder(name.to_owned()).with_kind(kind);
        let builder = builder.with_attributes(attributes.collect::<Vec<_>>()).with_links(links);
        let span = self.library.build_with_context(builder, parent);
        Step(parent.with_span(span))
    }

    fn joined<'a>(
        &self,
        name: &str,
        attributes: &[(&'static str, &str)],
        places: impl Iterator<Item = &'a Place>,
    ) -> Option<Step> {
        let (sampled, others): (Vec<_>, Vec<_>) =
            places.filter_map(|place| place.0.as_deref()).partition(|place| place.is_sampled());
        // Below a step that is not sampled there are none that are, or what comes after would begin a trace of its own.
        let first = sampled.first().or(others.first())?;
        let links = sampled.iter().skip(1).map(|place| Link::with_context((*place).clone())).collect();
        // It says itself whether it is remote.
        let parent = Context::new().with_remote_span_context((*first).clone());
        Some(self.begin(name, SpanKind::Internal, attributes, &parent, links))
    }

    fn parent(&self, headers: &HeaderMap) -> Context {
        let mut parent = Context::new();
        for propagator in &self.propagators {
            parent = match propagator {
                Propagator::TraceContext => {
                    TraceContextPropagator::new().extract_with_context(&parent, &Headers(headers))
                }
                Propagator::B3 => match b3::extract(headers) {
                    Some(remote) => parent.with_remote_span_context(remote),
                    None => parent,
                },
            };
        }
        parent
    }
}

impl Step {
    pub fn number(&self, key: &'static str, value: u64) {
        self.0.span().set_attribute(KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX)));
    }

    /// Says what came of it.
    pub fn came_to(&self, outcome: &Outcome) {
        if let Err(failure) = outcome {
            self.0.span().set_status(Status::error(failure.to_string()));
        }
    }

    /// Has what `work` does be in this step.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.0.clone().attach();
        work()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

/// Has what `future` does be in `step`, where there is one.
pub async fn within<T>(step: Option<&Step>, future: BoxFuture<'_, T>) -> T {
    match step {
        None => future.await,
        Some(step) => future.with_context(step.0.clone()).await,
    }
}

/// Says something of the step that is going on.
pub fn note(key: &'static str, value: impl FnOnce() -> String) {
    if are_on() {
        Context::map_current(|current| {
            if current.span().is_recording() {
                current.span().set_attribute(KeyValue::new(key, value()));
            }
        });
    }
}

/// The step of a request's sender, as its headers say.
pub struct Remote(Option<Context>);

impl Remote {
    pub fn of(headers: &HeaderMap) -> Self {
        Remote(TRACER.get().map(|tracer| tracer.parent(headers)))
    }

    /// Begins the first step here.
    pub fn step(&self, name: &str, attributes: &[(&'static str, &str)]) -> Option<Step> {
        let (tracer, parent) = (TRACER.get()?, self.0.as_ref()?);
        Some(tracer.begin(name, SpanKind::Server, attributes, parent, Vec::new()))
    }
}

/// Says in `headers` which step a request is sent in.
pub fn inject(headers: &mut HeaderMap) {
    let Some(tracer) = TRACER.get() else { return };
    Context::map_current(|current| {
        for propagator in &tracer.propagators {
            match propagator {
                Propagator::TraceContext => {
                    TraceContextPropagator::new().inject_context(current, &mut HeadersMut(headers));
                }
                Propagator::B3 => b3::inject(current.span().span_context(), headers),
            }
        }
    });
}

/// Where something waits that goes on elsewhere: the step that it came in.
#[derive(Clone, Debug, Default)]
pub struct Place(Option<Box<SpanContext>>);

impl Place {
    pub fn here() -> Self {
        if !are_on() {
            return Place(None);
        }
        let here = Context::map_current(|current| current.span().span_context().clone());
        Place(here.is_valid().then(|| Box::new(here)))
    }
}

/// Begins a step of what came from `places` and goes on as one: in the trace of the first that is sampled, with links to the
/// others that are. Where none of them is, neither is this.
pub fn joined<'a>(
    name: &str,
    attributes: &[(&'static str, &str)],
    places: impl Iterator<Item = &'a Place>,
) -> Option<Step> {
    TRACER.get()?.joined(name, attributes, places)
}

/// Puts spans that have ended into queues.
#[derive(Debug)]
struct Outlets(Vec<Queue<SpanData>>);

impl SpanProcessor for Outlets {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            offer(&self.0, span);
        }
    }

    /// Whoever drains the queues does so by himself.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// One request of these spans.
pub(crate) fn encode(resource: &ResourceAttributesWithSchema, spans: Vec<SpanData>) -> Vec<u8> {
    let resource_spans = group_spans_by_resource_and_scope(spans, resource);
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

#[cfg(test)]
mod tests;
