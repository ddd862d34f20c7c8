//! The table of a target: all series that it exposed last, each with what is made of it, so that a scrape which exposes the
//! same again costs a look-up and a number for each sample.
//!
//! A scrape has a number. What was not in it when it ends is told stale and forgotten, so that the table never holds more
//! than one scrape has brought, and that has its limits.

mod data;
mod family;
mod point;
mod proto;
mod resolve;
mod slab;
mod write;

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use self::family::{Family, FamilyKey, Resource, ResourceKey, Scope, ScopeKey};
use self::point::{Body, Point};
use self::slab::Slab;
use crate::config::Limits;
use crate::exposition::Kind;
use crate::exposition::series::Exemplar;
use crate::exposition::text::{Event, Sample};
use crate::labels::Labels;
use crate::relabel::Rules;

pub(crate) use self::write::{Report, Written};

/// How a job reads what its targets expose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) honor_labels: bool,
    pub(crate) honor_timestamps: bool,
    pub(crate) track_timestamps_staleness: bool,
    pub(crate) native_histograms: bool,
    /// Whether classic ones are taken where there is a native one beside them.
    pub(crate) classic_histograms: bool,
    pub(crate) extra_metrics: bool,
    pub(crate) rules: Rules,
    pub(crate) external_labels: Labels,
    pub(crate) limits: Limits,
}

/// Whom a table is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What its series get, `job` and `instance` among them.
    pub(crate) labels: Labels,
    pub(crate) scheme: String,
    /// What Kubernetes says of it: attributes of its resource.
    pub(crate) about: Vec<(&'static str, String)>,
}

/// Why a scrape is of no use as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the series {0:?} cannot be read: {1}")]
    Series(String, String),
    #[error("after relabeling, the series {0:?} has no name")]
    Nameless(String),
    #[error("there are more than {0} samples: raise `sample_limit`, or drop some in `metric_relabel_configs`")]
    Samples(u64),
    #[error(
        "a native histogram has more than {0} buckets, however coarse it is: raise `native_histogram_bucket_limit`"
    )]
    Buckets(u64),
    #[error("the series {series:?} has {what}, more than `{key}` allows, which is {limit}")]
    Labels { series: String, what: String, key: &'static str, limit: u64 },
}

pub(crate) struct Table {
    reading: Arc<Reading>,
    subject: Subject,
    /// Seeded anew for each process; half of what the standard library's takes.
    hasher: DefaultHashBuilder,
    series: HashTable<Series>,
    points: Slab<Point>,
    /// The points by family and attributes.
    places: HashTable<u32>,
    families: Slab<Family>,
    family_ids: HashMap<FamilyKey, u32>,
    /// How many families there have been.
    ranks: u64,
    /// The families as they are written, and whether that has to be made anew.
    order: Vec<u32>,
    is_reordered: bool,
    resources: Slab<Resource>,
    resource_ids: HashMap<ResourceKey, u32>,
    scopes: Slab<Scope>,
    scope_ids: HashMap<ScopeKey, u32>,
    told: HashMap<Box<str>, Told>,
    /// The number of this scrape.
    generation: u32,
    /// The number of what was declared last, which is another one where its kind has changed.
    declared: u32,
    declarations: u32,
    tally: Tally,
    /// What a point took of the last scrape, in bytes.
    weight: usize,
    /// Room for the text that stands for a series which was exposed as no text.
    text: Vec<u8>,
}

/// One value, with what was exposed beside it.
#[derive(Clone, Debug)]
struct Measured {
    value: f64,
    /// Milliseconds since the Unix epoch.
    time: Option<i64>,
    /// Seconds since the Unix epoch; 0 where nobody says.
    created: f64,
    exemplar: Option<Exemplar>,
}

/// What was told of a family.
#[derive(Clone, Debug, Default)]
struct Told {
    kind: Kind,
    help: Box<str>,
    unit: Box<str>,
    declaration: u32,
    generation: u32,
}

/// What is known of a series by the text that stands for it.
struct Series {
    text: Box<[u8]>,
    declared: u32,
    generation: u32,
    role: Role,
}

/// What a sample is a part of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Relabeling leaves it out.
    Dropped,
    /// There is nothing in OTLP that it could be.
    Unsupported,
    /// It says of its target what stands in the resource.
    Info(u32),
    Value(u32),
    Sum(u32),
    Count(u32),
    Step(u32, u32),
    Created(u32),
    Native(u32),
}

/// What a scrape has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) scraped: u64,
    pub(crate) kept: u64,
    pub(crate) added: u64,
    /// Series that were there before in the same scrape.
    pub(crate) duplicates: u64,
    pub(crate) unsupported: u64,
}

impl Table {
    pub(crate) fn new(reading: Arc<Reading>, subject: Subject) -> Self {
        Table {
            reading,
            subject,
            hasher: DefaultHashBuilder::default(),
            series: HashTable::new(),
            points: Slab::default(),
            places: HashTable::new(),
            families: Slab::default(),
            family_ids: HashMap::new(),
            order: Vec::new(),
            is_reordered: false,
            ranks: 0,
            resources: Slab::default(),
            resource_ids: HashMap::new(),
            scopes: Slab::default(),
            scope_ids: HashMap::new(),
            told: HashMap::new(),
            generation: 0,
            declared: 0,
            declarations: 0,
            tally: Tally::default(),
            weight: write::FIRST_WEIGHT,
            text: Vec::new(),
        }
    }

    /// Series that are held.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Begins a scrape.
    pub(crate) fn begin(&mut self) {
        self.generation = self.generation.wrapping_add(1).max(1);
        self.declared = 0;
        self.tally = Tally::default();
    }

    /// Hears of which kind a family is.
    pub(crate) fn declare(&mut self, name: &str, kind: Kind) {
        let generation = self.generation;
        let next = self.declarations.wrapping_add(1).max(1);
        let told = told_of(&mut self.told, name);
        told.generation = generation;
        if told.kind != kind || told.declaration == 0 {
            (told.kind, told.declaration) = (kind, next);
            self.declarations = next;
        }
        self.declared = told.declaration;
    }

    pub(crate) fn help(&mut self, name: &str, help: &str) {
        let generation = self.generation;
        let told = told_of(&mut self.told, name);
        told.generation = generation;
        if *told.help != *help {
            told.help = help.into();
        }
    }

    pub(crate) fn unit(&mut self, name: &str, unit: &str) {
        let generation = self.generation;
        let told = told_of(&mut self.told, name);
        told.generation = generation;
        if *told.unit != *unit {
            told.unit = unit.into();
        }
    }

    /// Takes what a line of one of the text formats says.
    pub(crate) fn take_event(&mut self, event: Event<'_>) -> Result<(), Rejected> {
        match event {
            Event::Type(name, kind) => self.declare(&name, kind),
            Event::Help(name, help) => self.help(&name, &help),
            Event::Unit(name, unit) => self.unit(&name, unit),
            Event::Sample(sample) => self.sample(sample)?,
        }
        Ok(())
    }

    fn sample(&mut self, sample: Sample<'_>) -> Result<(), Rejected> {
        let Sample { series, value, time, exemplar } = sample;
        let labels = || crate::exposition::series::labels(series);
        let Some(role) = self.role(series.as_bytes(), false, labels)? else { return Ok(()) };
        self.take(role, Measured { value, time, created: 0.0, exemplar })
    }

    /// What a series is a part of, by the text that stands for it; none where this scrape had it before. `labels` says which
    /// it has, where it is not known yet.
    fn role(
        &mut self,
        text: &[u8],
        is_native: bool,
        labels: impl FnOnce() -> Result<Labels, String>,
    ) -> Result<Option<Role>, Rejected> {
        let (generation, declared) = (self.generation, self.declared);
        let hash = self.hasher.hash_one(text);
        let known = self.series.find_mut(hash, |series| *series.text == *text);
        let is_known = known.is_some();
        if let Some(series) = known
            && series.declared == declared
        {
            if series.generation == generation {
                self.tally.duplicates += 1;
                self.tally.scraped += 1;
                return Ok(None);
            }
            series.generation = generation;
            return Ok(Some(series.role));
        }
        let role = self.resolve(text, is_native, labels)?;
        if is_known {
            if let Some(series) = self.series.find_mut(hash, |series| *series.text == *text) {
                (series.declared, series.generation, series.role) = (declared, generation, role);
            }
            return Ok(Some(role));
        }
        if !matches!(role, Role::Dropped) {
            self.tally.added += 1;
        }
        let series = Series { text: text.into(), declared, generation, role };
        let hasher = &self.hasher;
        self.series.insert_unique(hash, series, |series| hasher.hash_one(&*series.text));
        Ok(Some(role))
    }

    fn take(&mut self, role: Role, measured: Measured) -> Result<(), Rejected> {
        let generation = self.generation;
        let Measured { value, time, created, exemplar } = measured;
        if let Role::Created(point) = role {
            if let Some(point) = self.points.get_mut(point) {
                point.touch(generation);
                point.set_start(value);
            }
            return Ok(());
        }
        self.tally.scraped += 1;
        if role == Role::Dropped {
            return Ok(());
        }
        self.count_kept()?;
        let id = match role {
            Role::Dropped | Role::Created(_) | Role::Native(_) => return Ok(()),
            Role::Unsupported => {
                self.tally.unsupported += 1;
                return Ok(());
            }
            Role::Info(resource) => {
                if let Some(resource) = self.resources.get_mut(resource) {
                    resource.told = generation;
                }
                return Ok(());
            }
            Role::Value(id) | Role::Sum(id) | Role::Count(id) | Role::Step(id, _) => id,
        };
        let Some(point) = self.points.get_mut(id) else { return Ok(()) };
        point.touch(generation);
        point.set_time(time.filter(|_| self.reading.honor_timestamps));
        point.set_start(created);
        if let Some(exemplar) = exemplar {
            point.add_exemplar(exemplar);
        }
        let is_duplicate = match (&mut point.body, role) {
            (Body::Number(there), Role::Value(_)) => there.replace(value).is_some(),
            (Body::Parts(parts), Role::Sum(_)) => parts.sum.replace(value).is_some(),
            (Body::Parts(parts), Role::Count(_)) => parts.count.replace(value).is_some(),
            (Body::Parts(parts), Role::Step(_, step)) => match parts.steps.get_mut(step as usize) {
                Some(step) => {
                    step.value = value;
                    std::mem::replace(&mut step.generation, generation) == generation
                }
                None => false,
            },
            _ => false,
        };
        self.tally.duplicates += u64::from(is_duplicate);
        Ok(())
    }

    fn count_kept(&mut self) -> Result<(), Rejected> {
        self.tally.kept += 1;
        match self.reading.limits.samples {
            0 => Ok(()),
            limit if self.tally.kept > limit => Err(Rejected::Samples(limit)),
            _ => Ok(()),
        }
    }
}

fn told_of<'t>(told: &'t mut HashMap<Box<str>, Told>, name: &str) -> &'t mut Told {
    if !told.contains_key(name) {
        told.insert(name.into(), Told::default());
    }
    told.entry(name.into()).or_default()
}

#[cfg(test)]
mod tests;
