//! A rule is a list of tests and the route of what passes them all; a test is a condition on one field.

use tidegate_sdk::{Batch, Error, Level, Plan, ReadId, RouteId, Signal};

use crate::condition::Condition;
use crate::config::{Conditions, Matches, RuleConfig};
use crate::subject::{Absent, Subject, item_context};

/// One rule, for one signal.
pub(crate) struct Rule {
    /// Numbers of tests.
    pub(crate) tests: Vec<usize>,
    pub(crate) route: RouteId,
}

/// A condition on one field, evaluated once a batch however many rules ask.
pub(crate) struct Test {
    subject: Subject,
    read: ReadId,
    condition: Condition,
}

/// By the numbers that OTLP has for them.
const SPAN_KINDS: &[&str] = &["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUS_CODES: &[&str] = &["unset", "ok", "error"];

impl Rule {
    /// The rule as far as it is about this signal; `None` where it is about another. Its route is planned either way, so
    /// that a configuration asks for the same routes whatever the pipeline's signal.
    pub(crate) fn new(
        at: usize,
        config: &RuleConfig,
        signal: Signal,
        plan: &mut Plan,
        tests: &mut Vec<Test>,
    ) -> Result<Option<Rule>, Error> {
        let key = format!("rules[{at}]");
        if config.route.is_empty() {
            return Err(Error::at(&(key + ".route"), "is empty; name one of the pipeline's routes"));
        }
        let conditions = conditions(&config.matches, signal, &(key.clone() + ".match"))?;
        if conditions.is_empty() {
            return Err(Error::at(&(key + ".match"), "is empty; a rule for everything is what `default` is for"));
        }
        let route = plan.route(&config.route);
        let applies = {
            let Matches { log, span, metric, .. } = &config.matches;
            let only = |section: bool, of: Signal| !section || signal == of;
            only(log.is_some(), Signal::Logs)
                && only(span.is_some(), Signal::Traces)
                && only(metric.is_some(), Signal::Metrics)
        };
        if !applies {
            return Ok(None);
        }
        let tests = conditions.into_iter().map(|(subject, condition)| Test::add(subject, condition, plan, tests));
        Ok(Some(Rule { tests: tests.collect(), route }))
    }
}

/// The conditions of a rule with what they are about.
fn conditions(matches: &Matches, signal: Signal, key: &str) -> Result<Vec<(Subject, Condition)>, Error> {
    let mut found = Vec::new();
    attributes(&mut found, "resource", Level::Origin, &matches.resource);
    attributes(&mut found, "scope", Level::Scope, &matches.scope.attributes);
    attributes(&mut found, item_context(signal), Level::Item, &matches.attributes);
    let mut field = |condition: &Option<Condition>, path: &str, level, default| {
        if let Some(condition) = condition {
            found.push((Subject::field(path, level, default), condition.clone()));
        }
    };
    field(&matches.scope.name, "scope.name", Level::Scope, Absent::Text);
    field(&matches.scope.version, "scope.version", Level::Scope, Absent::Text);
    if let Some(log) = &matches.log {
        field(&log.severity_number, "log.severity_number", Level::Item, Absent::Number);
        field(&log.severity_text, "log.severity_text", Level::Item, Absent::Text);
        field(&log.body, "log.body", Level::Item, Absent::Nothing);
        field(&log.event_name, "log.event_name", Level::Item, Absent::Text);
    }
    if let Some(span) = &matches.span {
        let kind = numbered(&span.kind, SPAN_KINDS, key, "kind")?;
        let status_code = numbered(&span.status_code, STATUS_CODES, key, "status_code")?;
        field(&span.name, "span.name", Level::Item, Absent::Text);
        field(&kind, "span.kind", Level::Item, Absent::Number);
        field(&status_code, "span.status.code", Level::Item, Absent::Number);
        field(&span.status_message, "span.status.message", Level::Item, Absent::Text);
        field(&span.trace_state, "span.trace_state", Level::Item, Absent::Text);
    }
    if let Some(metric) = &matches.metric {
        field(&metric.name, "metric.name", Level::Metric, Absent::Text);
        field(&metric.unit, "metric.unit", Level::Metric, Absent::Text);
        field(&metric.description, "metric.description", Level::Metric, Absent::Text);
    }
    Ok(found)
}

fn attributes(found: &mut Vec<(Subject, Condition)>, context: &str, level: Level, conditions: &Conditions) {
    let subjects =
        conditions.iter().map(|(key, condition)| (Subject::attribute(context, level, key), condition.clone()));
    found.extend(subjects);
}

/// A condition on an enum of the span, with numbers for names.
fn numbered(condition: &Option<Condition>, names: &[&str], key: &str, field: &str) -> Result<Option<Condition>, Error> {
    let mut condition = condition.clone();
    if let Some(condition) = &mut condition {
        let named = condition.number_names(names);
        named.map_err(|problem| Error::at(&format!("{key}.span.{field}"), &problem))?;
    }
    Ok(condition)
}

impl Test {
    /// The number of the test, which is added where it is new.
    fn add(subject: Subject, condition: Condition, plan: &mut Plan, tests: &mut Vec<Test>) -> usize {
        let known = tests.iter().position(|test| test.subject == subject && test.condition == condition);
        known.unwrap_or_else(|| {
            let read = tests.iter().find(|test| test.subject == subject).map(|test| test.read);
            let read = read.unwrap_or_else(|| plan.read(subject.path.as_str()));
            tests.push(Test { subject, read, condition });
            tests.len() - 1
        })
    }

    pub(crate) fn level(&self) -> Level {
        self.subject.level
    }

    /// For each row of its level whether the condition holds.
    pub(crate) fn rows(&self, batch: &Batch<'_>) -> Vec<bool> {
        // OTLP cannot tell a field that was left out from one with its default.
        let of_absent = self.condition.holds_where(false, self.subject.default.value());
        let mut rows = vec![of_absent; batch.count(self.level()) as usize];
        let mut seen = None;
        for cell in batch.cells(self.read) {
            let Some(row) = rows.get_mut(cell.row() as usize) else { continue };
            let holds = self.condition.holds(Some(cell.value()));
            // An attribute that is there twice passes where either value does.
            *row = holds || (seen == Some(cell.row()) && *row);
            seen = Some(cell.row());
        }
        rows
    }
}
