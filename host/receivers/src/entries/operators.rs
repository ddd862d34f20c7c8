//! The operators of a receiver, in the order in which an entry meets them.

mod container;
mod join;
mod json;
mod recombine;
mod severity;
mod syslog;
mod time;
mod trace;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use host_telemetry::Counter;
use regex::Regex;
use sdk_patterns::from_go_for_host;

pub(crate) use self::container::{Container, is_part, path_metadata};
use self::recombine::Recombine;
use self::severity::Severities;
use self::syslog::Said;
pub(crate) use self::syslog::Syslog;
pub use self::syslog::probe as probe_syslog;
use self::time::Clock;
use self::trace::Trace;
pub(crate) use self::{container::parse as parse_container, json::parse as parse_json};
use super::entry::{Entry, FileId, Map, Value};
use super::expression::Expression;
use super::field::{Field, Root};
use super::settings::{OnError, Operator};

/// All operators.
pub(crate) struct Plan {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    condition: Option<Expression>,
    on_error: OnError,
    /// Where an entry goes next; past the end it leaves.
    next: usize,
    work: Work,
    failed: Option<Counter>,
    has_told: bool,
}

enum Work {
    Container(Container),
    Parser {
        how: Parser,
        from: Field,
        to: Field,
        time: Option<Clock>,
        severity: Option<Severities>,
        trace: Option<Trace>,
    },
    Severity(Severities),
    Time(Clock),
    Trace(Trace),
    Recombine(Recombine),
    Move(Field, Field),
    Copy(Field, Field),
    Add(Field, Value<'static>),
    Remove(Field),
    Retain(Vec<Field>),
    Filter(Expression, f64),
    Router(Vec<(Expression, usize)>, Option<usize>),
    Noop,
}

enum Parser {
    Json { ints: bool },
    Regex(Regex),
    Syslog(Box<Syslog>),
}

/// What becomes of an entry behind an operator.
pub(crate) enum Flow<'a> {
    On(Entry<'a>),
    To(Entry<'a>, usize),
    /// It is kept for others to come, or was dropped.
    Kept,
    Dropped,
    /// The operator cannot work on it.
    Failed(Entry<'a>, String),
}

/// What leaves the operators.
pub(crate) trait Sink {
    fn put(&mut self, entry: &Entry<'_>);
    /// An entry that was kept and stood in this file is on its way.
    fn released(&mut self, file: FileId);
    fn dropped(&mut self);
}

/// What an operator may look at besides the entry.
pub(crate) struct Context<'c> {
    pub(crate) now: Instant,
    /// What the path of the file says of its container.
    pub(crate) path: &'c Result<Map<'static>, String>,
}

impl Plan {
    /// # Errors
    /// Where an operator makes no sense.
    pub(crate) fn new(operators: &[Operator]) -> Result<Plan, String> {
        let mut steps = Vec::new();
        for (at, operator) in operators.iter().enumerate() {
            // What leads back would never end.
            let behind = |id: &str| operators.iter().skip(at + 1).position(|operator| operator.name() == id);
            let place = |id: &str| behind(id).map(|place| at + 1 + place);
            let next = match &operator.output {
                Some(id) => place(id).ok_or_else(|| format!("no operator has the id {id:?}"))?,
                None => at + 1,
            };
            let work = Work::new(operator, &place).map_err(|error| format!("{}: {error}", operator.name()))?;
            let condition = operator.r#if.as_deref().map(Expression::parse).transpose()?;
            let name = operator.name().to_owned();
            steps.push(Step {
                name,
                condition,
                on_error: operator.on_error,
                next,
                work,
                failed: None,
                has_told: false,
            });
        }
        Ok(Plan { steps })
    }

    /// Has each operator count what it fails on.
    pub(crate) fn count(&mut self, counter: impl Fn(&str) -> Counter) {
        for step in &mut self.steps {
            step.failed = Some(counter(&step.name));
        }
    }

    /// Sends an entry through all operators.
    pub(crate) fn run(&mut self, entry: Entry<'_>, context: &Context<'_>, sink: &mut dyn Sink) {
        self.run_from(0, entry, context, sink);
    }

    fn run_from(&mut self, mut at: usize, mut entry: Entry<'_>, context: &Context<'_>, sink: &mut dyn Sink) {
        while let Some(step) = self.steps.get_mut(at) {
            if step.condition.as_ref().is_some_and(|condition| !condition.holds(&entry)) {
                at = step.next;
                continue;
            }
            match step.work.run(entry, context, sink) {
                Flow::On(on) => (entry, at) = (on, step.next),
                Flow::To(on, to) => (entry, at) = (on, to),
                Flow::Kept => return,
                Flow::Dropped => return sink.dropped(),
                Flow::Failed(as_it_was, why) => {
                    step.note(&why);
                    if matches!(step.on_error, OnError::Drop | OnError::DropQuiet) {
                        return sink.dropped();
                    }
                    (entry, at) = (as_it_was, step.next);
                }
            }
        }
        sink.put(&entry);
    }

    /// Sends on what was kept for longer than it may be, unless `waits` says that more of its lineage is to be read first.
    pub(crate) fn flush(&mut self, now: Instant, period: Duration, waits: &dyn Fn(u64) -> bool, sink: &mut dyn Sink) {
        let path = Ok(Vec::new());
        for at in 0..self.steps.len() {
            let Some(step) = self.steps.get_mut(at) else { return };
            let (ready, next) = match &mut step.work {
                Work::Container(container) => (container.flush(now, period, waits, sink), step.next),
                Work::Recombine(recombine) => (recombine.flush(now, waits, sink), step.next),
                _ => continue,
            };
            for entry in ready {
                self.run_from(next, entry, &Context { now, path: &path }, sink);
            }
        }
    }

    /// What is kept, by file and place.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (FileId, u64)> {
        self.steps.iter().flat_map(|step| {
            let kept: Box<dyn Iterator<Item = (FileId, u64)> + '_> = match &step.work {
                Work::Container(container) => Box::new(container.kept()),
                Work::Recombine(recombine) => Box::new(recombine.kept()),
                _ => Box::new(std::iter::empty()),
            };
            kept
        })
    }
}

impl Step {
    fn note(&mut self, why: &str) {
        if let Some(failed) = &self.failed {
            failed.inc();
        }
        let is_quiet = matches!(self.on_error, OnError::SendQuiet | OnError::DropQuiet);
        if !is_quiet && !self.has_told {
            self.has_told = true;
            tracing::warn!(
                operator = self.name,
                error = why,
                "an operator cannot work on an entry; further ones are only counted"
            );
        }
    }
}

fn field(text: Option<&str>, or: Field) -> Result<Field, String> {
    text.map_or(Ok(or), Field::parse)
}

fn needed(text: Option<&str>, key: &str) -> Result<Field, String> {
    Field::parse(text.ok_or_else(|| format!("`{key}` is missing"))?)
}

impl Work {
    fn new(operator: &Operator, place: &dyn Fn(&str) -> Option<usize>) -> Result<Work, String> {
        let o = operator;
        let body = || Field::root(Root::Body);
        let expression = |text: &Option<String>| Expression::parse(text.as_deref().unwrap_or_default());
        Ok(match o.r#type.as_str() {
            "container" => Work::Container(Container::new(o)?),
            "json_parser" | "regex_parser" | "syslog_parser" => Work::Parser {
                how: Parser::new(o)?,
                from: field(o.parse_from.as_deref(), body())?,
                to: field(o.parse_to.as_deref(), Field::root(Root::Attributes))?,
                time: o.timestamp.as_ref().map(Clock::new).transpose()?,
                severity: o.severity.as_ref().map(Severities::new).transpose()?,
                trace: o.trace.as_ref().map(Trace::new).transpose()?,
            },
            "severity_parser" => Work::Severity(Severities::new(&super::settings::Severity {
                parse_from: o.parse_from.clone(),
                preset: o.preset.clone(),
                mapping: o.mapping.clone(),
                overwrite_text: o.overwrite_text,
            })?),
            "time_parser" => Work::Time(Clock::new(&super::settings::Time {
                parse_from: o.parse_from.clone(),
                layout: o.layout.clone(),
                layout_type: o.layout_type.clone(),
                location: o.location.clone(),
            })?),
            "trace_parser" => Work::Trace(Trace::new(&super::settings::Trace {
                trace_id: o.trace_id.clone(),
                span_id: o.span_id.clone(),
                trace_flags: o.trace_flags.clone(),
            })?),
            "recombine" => Work::Recombine(Recombine::new(o)?),
            "move" => Work::Move(needed(o.from.as_deref(), "from")?, needed(o.to.as_deref(), "to")?),
            "copy" => Work::Copy(needed(o.from.as_deref(), "from")?, needed(o.to.as_deref(), "to")?),
            "add" => Work::Add(
                needed(o.field.as_deref(), "field")?,
                o.value.as_ref().map(Value::of_json).unwrap_or_default(),
            ),
            "remove" => Work::Remove(needed(o.field.as_deref(), "field")?),
            "retain" => {
                Work::Retain(o.fields.iter().flatten().map(|field| Field::parse(field)).collect::<Result<_, _>>()?)
            }
            "filter" => Work::Filter(expression(&o.expr)?, o.drop_ratio.unwrap_or(1.0)),
            "router" => {
                let to = |id: &str| place(id).ok_or_else(|| format!("no operator has the id {id:?}"));
                let routes = o.routes.iter().flatten();
                let routes = routes.map(|route| Ok((Expression::parse(&route.expr)?, to(&route.output)?)));
                let default = o.default.as_deref().map(to).transpose()?;
                Work::Router(routes.collect::<Result<_, String>>()?, default)
            }
            "noop" => Work::Noop,
            other => return Err(format!("there is no operator `{other}`")),
        })
    }

    fn run<'a>(&mut self, mut entry: Entry<'a>, context: &Context<'_>, sink: &mut dyn Sink) -> Flow<'a> {
        let done = match self {
            Work::Container(container) => return container.run(entry, context, sink),
            Work::Recombine(recombine) => return recombine.run(entry, context.now, sink),
            Work::Parser { how, from, to, time, severity, trace } => {
                let text = from.get(&entry).and_then(Value::share_text);
                let Some(text) = text else { return Flow::Failed(entry, "there is no text to parse".to_owned()) };
                let (parsed, said) = match how.parse(text) {
                    Ok(parsed) => parsed,
                    Err(error) => return Flow::Failed(entry, error),
                };
                let mut done = to.set(&mut entry, Value::Map(parsed));
                said.put(&mut entry);
                if let Some(time) = time {
                    done = done.and_then(|()| time.run(&mut entry));
                }
                if let Some(severity) = severity {
                    done = done.and_then(|()| severity.run(&mut entry));
                }
                if let Some(trace) = trace {
                    done = done.and_then(|()| trace.run(&mut entry));
                }
                done
            }
            Work::Severity(severities) => severities.run(&mut entry),
            Work::Time(clock) => clock.run(&mut entry),
            Work::Trace(trace) => trace.run(&mut entry),
            Work::Move(from, to) => match from.take(&mut entry) {
                Some(value) => to.set(&mut entry, value),
                None => Err("there is nothing to move".to_owned()),
            },
            Work::Copy(from, to) => match from.copy(&entry) {
                Some(value) => to.set(&mut entry, value),
                None => Err("there is nothing to copy".to_owned()),
            },
            Work::Add(field, value) => field.set(&mut entry, value.clone()),
            Work::Remove(field) => match field.take(&mut entry) {
                Some(_) => Ok(()),
                None => Err("there is nothing to remove".to_owned()),
            },
            Work::Retain(fields) => {
                retain(fields, &mut entry);
                Ok(())
            }
            Work::Filter(expression, ratio) => {
                if expression.holds(&entry) && (*ratio >= 1.0 || fastrand::f64() < *ratio) {
                    return Flow::Dropped;
                }
                Ok(())
            }
            Work::Router(routes, default) => {
                let chosen = routes.iter().find(|(expression, _)| expression.holds(&entry)).map(|(_, to)| *to);
                return match chosen.or(*default) {
                    Some(to) => Flow::To(entry, to),
                    None => Flow::Dropped,
                };
            }
            Work::Noop => Ok(()),
        };
        match done {
            Ok(()) => Flow::On(entry),
            Err(error) => Flow::Failed(entry, error),
        }
    }
}

impl Parser {
    fn new(operator: &Operator) -> Result<Parser, String> {
        Ok(match (operator.r#type.as_str(), &operator.regex) {
            ("syslog_parser", _) => Parser::Syslog(Box::new(Syslog::new(operator)?)),
            (_, Some(regex)) => {
                Parser::Regex(Regex::new(&from_go_for_host(regex)).map_err(|error| format!("regex: {error}"))?)
            }
            (_, None) => Parser::Json { ints: operator.parse_ints.unwrap_or(false) },
        })
    }

    /// What a text has by key, and what it says of the entry itself.
    fn parse<'a>(&self, text: Cow<'a, str>) -> Result<(Map<'a>, Said), String> {
        let map = match self {
            Parser::Json { ints } => json::parse_shared(text, *ints),
            Parser::Regex(regex) => groups(regex, &text),
            Parser::Syslog(syslog) => return syslog.parse_shared(text),
        };
        map.map(|map| (map, Said::default()))
    }
}

/// The named groups of a pattern in a text.
fn groups<'a>(regex: &Regex, text: &Cow<'a, str>) -> Result<Map<'a>, String> {
    let told = || format!("it does not match {regex}");
    let named = |captures: &regex::Captures<'_>| -> Vec<(String, std::ops::Range<usize>)> {
        let range = |name: &str| captures.name(name).map_or(0..0, |found| found.range());
        regex.capture_names().flatten().map(|name| (name.to_owned(), range(name))).collect()
    };
    let found = named(&regex.captures(text).ok_or_else(told)?);
    Ok(found
        .into_iter()
        .map(|(name, range)| {
            let part = match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
                Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_owned()),
            };
            (Cow::Owned(name), Value::Text(part))
        })
        .collect())
}

/// Keeps of attributes, resource and a body that is a map what is named; what no field names a part of stays whole.
fn retain(fields: &[Field], entry: &mut Entry<'_>) {
    for root in [Root::Body, Root::Attributes, Root::Resource] {
        let of_root: Vec<&Field> = fields.iter().filter(|field| field.root == root).collect();
        if of_root.is_empty() || of_root.iter().any(|field| field.keys.is_empty()) {
            continue;
        }
        let kept: Vec<_> = of_root.iter().filter_map(|field| Some((*field, field.copy(entry)?))).collect();
        match root {
            Root::Body => entry.body = Value::Empty,
            Root::Attributes => entry.attributes.clear(),
            Root::Resource => entry.resource.map_mut().clear(),
        }
        for (field, value) in kept {
            if let Err(error) = field.set(entry, value) {
                tracing::debug!(error, "not retained");
            }
        }
    }
}
