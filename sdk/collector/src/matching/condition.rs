//! A condition is one property that a row has to have: what is read for it, and how a row passes.

use tidegate_sdk::{Any, Batch, Error, Level, Plan, ReadId, Value};

use super::config::{Attribute, MatchType, Severity};
use super::text::TextFilter;
use crate::path::attribute;

/// One property.
pub(super) struct Condition {
    level: Level,
    test: Test,
}

enum Test {
    /// There is a cell: the host has looked.
    Found(ReadId),
    /// There is a cell that is text.
    FoundText(ReadId),
    /// The value as text passes; where there is none, `absent` says.
    Texts {
        read: ReadId,
        filter: TextFilter,
        absent: bool,
    },
    /// The body passes: the host has looked at scalars, and lists and maps are looked at here.
    Body {
        scalars: ReadId,
        composites: ReadId,
        filter: TextFilter,
    },
    Equals(ReadId, Any),
    /// By number of the span's kind; the last is for those that have no name.
    Kind(ReadId, [bool; KINDS.len()]),
    Severity(ReadId, Severity),
}

/// The names of kinds, by number.
const KINDS: [&str; 7] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
    "",
];

/// What the Collector calls a service without a name.
const NO_SERVICE: &str = "<nil-service-name>";

/// Whether each item has all of these properties.
pub(super) fn all(conditions: &[Condition], batch: &Batch<'_>, items: usize) -> Vec<bool> {
    let mut all = vec![true; items];
    for condition in conditions {
        let passes = condition.passes(batch);
        if condition.level == Level::Item {
            all.iter_mut().zip(passes).for_each(|(all, passes)| *all &= passes);
        } else {
            let rows = batch.ancestors(Level::Item, condition.level).unwrap_or_default();
            for (all, row) in all.iter_mut().zip(rows) {
                *all &= passes.get(row as usize).copied().unwrap_or_default();
            }
        }
    }
    all
}

impl Condition {
    /// By row of its level.
    fn passes(&self, batch: &Batch<'_>) -> Vec<bool> {
        let absent = match &self.test {
            Test::Texts { absent, .. } => *absent,
            Test::Kind(_, kinds) => kinds[0],
            Test::Severity(_, severity) => severity.match_undefined,
            _ => false,
        };
        let mut passes = vec![absent; batch.count(self.level) as usize];
        let mut each = |read: ReadId, test: &dyn Fn(Value<'_>) -> bool| {
            for cell in batch.cells(read) {
                if let Some(row) = passes.get_mut(cell.row() as usize) {
                    *row = test(cell.value());
                }
            }
        };
        match &self.test {
            Test::Found(read) => each(*read, &|_| true),
            Test::FoundText(read) => each(*read, &|value| matches!(value, Value::Text(_))),
            Test::Texts { read, filter, .. } => each(*read, &|value| filter.matches(&value.to_any().printed())),
            Test::Body { scalars, composites, filter } => {
                each(*scalars, &|_| true);
                each(*composites, &|value| filter.matches(&value.to_any().printed()));
            }
            Test::Equals(read, wanted) => each(*read, &|value| same(&value.to_any(), wanted)),
            Test::Kind(read, kinds) => each(*read, &|value| match value {
                Value::Signed(kind) => kinds[usize::try_from(kind).unwrap_or(KINDS.len()).min(KINDS.len() - 1)],
                _ => false,
            }),
            Test::Severity(read, severity) => each(*read, &|value| match value {
                Value::Signed(0) => severity.match_undefined,
                Value::Signed(number) => number >= severity.min,
                _ => false,
            }),
        }
        passes
    }
}

/// Whether two values are equal, with maps in any order.
fn same(a: &Any, b: &Any) -> bool {
    match (a, b) {
        (Any::Map(a), Any::Map(b)) => {
            let has = |key: &str, value: &Any| b.iter().any(|(other, given)| other == key && same(value, given));
            a.len() == b.len() && a.iter().all(|(key, value)| has(key, value))
        }
        (Any::List(a), Any::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

/// Makes conditions, and asks for what they read.
pub(super) struct Build<'p> {
    how: MatchType,
    plan: &'p mut Plan,
    conditions: Vec<Condition>,
}

impl<'p> Build<'p> {
    pub(super) fn new(how: MatchType, plan: &'p mut Plan) -> Build<'p> {
        Build { how, plan, conditions: Vec::new() }
    }

    pub(super) fn done(self) -> Vec<Condition> {
        self.conditions
    }

    fn add(&mut self, level: Level, test: Test) {
        self.conditions.push(Condition { level, test });
    }

    /// A field that is text. Where the empty text passes, the host cannot tell: it has no cell for it.
    pub(super) fn texts(&mut self, key: &str, path: &str, texts: &[String]) -> Result<(), Error> {
        if texts.is_empty() {
            return Ok(());
        }
        let level = match path {
            "scope.name" | "scope.version" => Level::Scope,
            "metric.name" => Level::Metric,
            _ => Level::Item,
        };
        let filter = TextFilter::new(key, texts, self.how)?;
        let test = if filter.matches("") {
            Test::Texts { read: self.plan.read(path), filter, absent: true }
        } else {
            Test::Found(self.plan.read_matching(path, filter.for_host()))
        };
        self.add(level, test);
        Ok(())
    }

    pub(super) fn services(&mut self, key: &str, services: &[String]) -> Result<(), Error> {
        if services.is_empty() {
            return Ok(());
        }
        let filter = TextFilter::new(key, services, self.how)?;
        let path = attribute("resource.attributes", "service.name");
        let test = if filter.matches(NO_SERVICE) {
            Test::Texts { read: self.plan.read_whole(path, [] as [&str; 0]), filter, absent: true }
        } else {
            Test::Found(self.plan.read_printed(path, filter.for_host()))
        };
        self.add(Level::Origin, test);
        Ok(())
    }

    pub(super) fn bodies(&mut self, key: &str, bodies: &[String]) -> Result<(), Error> {
        if bodies.is_empty() {
            return Ok(());
        }
        let filter = TextFilter::new(key, bodies, self.how)?;
        let test = if filter.matches("") {
            Test::Texts { read: self.plan.read_whole("log.body", [] as [&str; 0]), filter, absent: true }
        } else {
            let scalars = self.plan.read_printed("log.body", filter.for_host());
            Test::Body { scalars, composites: self.plan.read_composites("log.body"), filter }
        };
        self.add(Level::Item, test);
        Ok(())
    }

    pub(super) fn kinds(&mut self, key: &str, kinds: &[String]) -> Result<(), Error> {
        if kinds.is_empty() {
            return Ok(());
        }
        if let (MatchType::Strict, Some(at)) =
            (self.how, kinds.iter().position(|kind| !KINDS[1..6].contains(&kind.as_str())))
        {
            let problem = "is no kind: ".to_owned() + &KINDS[1..6].join(", ");
            return Err(Error::at(&crate::pattern::indexed(key, at), &problem));
        }
        let filter = TextFilter::new(key, kinds, self.how)?;
        let read = self.plan.read("span.kind");
        self.add(Level::Item, Test::Kind(read, KINDS.map(|kind| filter.matches(kind))));
        Ok(())
    }

    pub(super) fn severity(&mut self, severity: Severity) {
        let read = self.plan.read("log.severity_number");
        self.add(Level::Item, Test::Severity(read, severity));
    }

    /// An attribute that has to be there, with this value where there is one.
    pub(super) fn attribute(&mut self, key: &str, map: &str, wanted: Attribute) -> Result<(), Error> {
        let level = if map == "resource.attributes" { Level::Origin } else { Level::Item };
        if wanted.key.is_empty() {
            return Err(Error::at(&[key, ".key"].concat(), "is missing"));
        }
        let path = attribute(map, &wanted.key);
        let key = [key, ".value"].concat();
        let test = match (wanted.value.filter(|value| *value != Any::Empty), self.how) {
            (None, _) => Test::Found(self.plan.read_whole(path, [] as [&str; 0])),
            (Some(Any::Text(text)), how) => {
                let filter = TextFilter::new(&key, &[text], how)?;
                match how {
                    MatchType::Strict => Test::FoundText(self.plan.read_matching(path, filter.for_host())),
                    // Numbers and truth values are matched as text.
                    MatchType::Regexp => Test::Found(self.plan.read_printed(path, filter.for_host())),
                }
            }
            (Some(value), MatchType::Strict) => Test::Equals(self.plan.read_whole(path, [] as [&str; 0]), value),
            (Some(_), MatchType::Regexp) => {
                return Err(Error::at(&key, "with match_type regexp it has to be text, a pattern"));
            }
        };
        self.add(level, test);
        Ok(())
    }
}
