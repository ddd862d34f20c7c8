//! Contexts: what one run of a statement is about, and which of them a signal has.

use tidegate_sdk::{Level, Signal};

use crate::lex::Fault;
use crate::syntax::{Name, Path};

/// What a path is of, and what a program runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    Resource,
    Scope,
    Log,
    Span,
    SpanEvent,
    Metric,
    DataPoint,
    Exemplar,
}

impl Context {
    /// Those of a signal, from the outermost to the innermost.
    pub fn of(signal: Signal) -> &'static [Context] {
        match signal {
            Signal::Logs => &[Context::Resource, Context::Scope, Context::Log],
            Signal::Traces => &[Context::Resource, Context::Scope, Context::Span, Context::SpanEvent],
            Signal::Metrics => {
                &[Context::Resource, Context::Scope, Context::Metric, Context::DataPoint, Context::Exemplar]
            }
        }
    }

    /// The level of its rows.
    pub fn level(self) -> Level {
        match self {
            Context::Resource => Level::Origin,
            Context::Scope => Level::Scope,
            Context::Metric => Level::Metric,
            Context::Log | Context::Span | Context::DataPoint => Level::Item,
            Context::SpanEvent => Level::Event,
            Context::Exemplar => Level::Exemplar,
        }
    }

    /// As paths name it.
    pub fn name(self) -> &'static str {
        match self {
            Context::Resource => "resource",
            Context::Scope => "scope",
            Context::Log => "log",
            Context::Span => "span",
            Context::SpanEvent => "spanevent",
            Context::Metric => "metric",
            Context::DataPoint => "datapoint",
            Context::Exemplar => "exemplar",
        }
    }

    /// By its name; `instrumentation_scope` is the scope's longer one.
    pub fn named(name: &str) -> Option<Context> {
        const ALL: [Context; 8] = [
            Context::Resource,
            Context::Scope,
            Context::Log,
            Context::Span,
            Context::SpanEvent,
            Context::Metric,
            Context::DataPoint,
            Context::Exemplar,
        ];
        if name == "instrumentation_scope" {
            return Some(Context::Scope);
        }
        ALL.into_iter().find(|context| context.name() == name)
    }

    /// The context that a path names, where it names one.
    pub(crate) fn of_path(path: &Path) -> Option<Context> {
        let [first, _, ..] = path.segments.as_slice() else { return None };
        if !first.keys.is_empty() { None } else { Context::named(&first.name) }
    }

    /// A field that every row of it can have and that costs little to read.
    pub(crate) fn cheap_field(self) -> &'static str {
        match self {
            Context::Resource => "resource.dropped_attributes_count",
            Context::Scope => "scope.dropped_attributes_count",
            Context::Log => "log.dropped_attributes_count",
            Context::Span => "span.dropped_attributes_count",
            Context::SpanEvent => "spanevent.dropped_attributes_count",
            Context::Metric => "metric.unit",
            Context::DataPoint => "datapoint.flags",
            Context::Exemplar => "exemplar.time_unix_nano",
        }
    }
}

/// The innermost context that texts name, for a signal.
///
/// # Errors
/// A path without a context, or one of another signal's.
pub(crate) fn inferred<'n>(signal: Signal, walk: impl FnOnce(&mut dyn FnMut(Name<'n>))) -> Result<Context, Fault> {
    let contexts = Context::of(signal);
    let mut found = Ok(None);
    walk(&mut |name| {
        let context = match name {
            Name::Path(path) => match known(contexts, path) {
                Ok(context) => context,
                Err(fault) => {
                    if found.is_ok() {
                        found = Err(fault);
                    }
                    return;
                }
            },
            Name::Function("IsRootSpan") if contexts.contains(&Context::Span) => Context::Span,
            Name::Function("HasAttrOnDatapoint" | "HasAttrKeyOnDatapoint") => Context::Metric,
            Name::Function(_) => return,
        };
        if let Ok(found) = &mut found {
            *found = (*found).max(Some(context));
        }
    });
    // What names nothing is the same for all.
    Ok(found?.unwrap_or(Context::Resource))
}

fn known(contexts: &[Context], path: &Path) -> Result<Context, Fault> {
    let names = || contexts.iter().map(|context| context.name()).collect::<Vec<_>>().join(", ");
    match Context::of_path(path) {
        Some(context) if contexts.contains(&context) => Ok(context),
        Some(_) => {
            let problem = ["`", &path.name(), "` is of another signal; this one has ", &names()].concat();
            Err(Fault::new(path.at, problem))
        }
        None => {
            let problem = [
                "`",
                &path.name(),
                "` names no context; write one of ",
                &names(),
                " before it, as in `",
                contexts.last().map_or("", |context| context.name()),
                ".",
                &path.name(),
                "`",
            ];
            Err(Fault::new(path.at, problem.concat()))
        }
    }
}
