//! From a payload to series: names, labels, values, and what tells of the resource.
//!
//! Each type of metric has a file of its own. What cannot be translated is left out, counted with the reason, and never
//! keeps the rest from going its way. Times are those of the points.

mod exemplar;
mod exponential;
mod histogram;
mod native;
mod number;
mod summary;
mod target;

use std::sync::{Mutex, PoisonError};

use hashbrown::DefaultHashBuilder;
use host_otlp::Payload;
use host_otlp::view::{self, Data, KeyValue, Metric, Repeated, ResourceMetrics};

use self::target::Targets;
use super::batch::{Batch, Family, FamilyKind, Label, NOTHING, Symbol, Symbols};
use super::delta::Deltas;
use super::labels::{BadKey, Base, Common, Keys, PointLabels, ResourceLabels, Rules};
use super::name;
use super::names::Names;
use super::text::text;

/// The bits of the number that says that a series has ended.
pub(super) const STALE: u64 = 0x7ff0_0000_0000_0002;
/// The flag of a point without a value.
const NO_RECORDED_VALUE: u32 = 1;
/// How many bytes an item takes at least that room is made for.
const ITEM: usize = 64;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// How payloads are translated.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) rules: Rules,
    pub(super) namespace: String,
    pub(super) has_target_info: bool,
    /// Whether help and units are sent.
    pub(super) has_metadata: bool,
    /// Whether histograms with bounds of their own become native ones.
    pub(super) is_native: bool,
    /// Whether they are kept as they were besides.
    pub(super) is_classic_kept: bool,
}

/// Why a point is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// Nothing is left of the name of the metric, or of a label.
    InvalidName,
    /// It is neither cumulative nor a delta, or a delta where these are not summed up.
    InvalidTemporality,
    /// The metric has no type that is known, or the point no value.
    NoValue,
    /// Its buckets cannot be told in Prometheus.
    InvalidBuckets,
    /// A delta that is no number, or an infinite one: no total could hold it and go on.
    NotFinite,
    /// A delta of a time that was summed up already.
    LateDelta,
    /// A delta of a stream more than there may be.
    MaxStreams,
}

impl Reason {
    pub(super) const ALL: [Reason; 7] = [
        Reason::InvalidName,
        Reason::InvalidTemporality,
        Reason::NoValue,
        Reason::InvalidBuckets,
        Reason::NotFinite,
        Reason::LateDelta,
        Reason::MaxStreams,
    ];

    /// As the label of a metric has it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Reason::InvalidName => "invalid_name",
            Reason::InvalidTemporality => "invalid_temporality",
            Reason::NoValue => "no_value",
            Reason::InvalidBuckets => "invalid_buckets",
            Reason::NotFinite => "not_finite",
            Reason::LateDelta => "late_delta",
            Reason::MaxStreams => "max_streams",
        }
    }
}

/// Points that are not sent, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped([u64; Reason::ALL.len()]);

impl Dropped {
    fn add(&mut self, reason: Reason, points: u64) {
        self.0[reason as usize] += points;
    }

    pub(super) fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Translates the payloads of one exporter, in their order.
pub(super) struct Translator {
    settings: Settings,
    hasher: DefaultHashBuilder,
    kept: Mutex<Kept>,
}

/// What is kept from one payload to the next.
struct Kept {
    /// None where deltas are not summed up.
    deltas: Option<Deltas>,
    targets: Targets,
    names: Names,
}

impl Translator {
    pub(super) fn new(settings: Settings, deltas: Option<Deltas>) -> Self {
        let names = Names::new(&settings.namespace, settings.rules.strategy);
        let kept = Mutex::new(Kept { deltas, targets: Targets::default(), names });
        Translator { settings, hasher: DefaultHashBuilder::default(), kept }
    }

    pub(super) fn translate(&self, payload: &Payload) -> (Batch, Dropped) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What is smaller has next to no labels, and shares its series with others.
        let room = usize::try_from(payload.items()).unwrap_or(0).min(payload.len() / ITEM);
        let mut batch = Batch::new(self.hasher.clone(), room);
        let mut run = Run {
            settings: &self.settings,
            kept: &mut kept,
            keys: Keys::new(self.settings.rules.strategy),
            common: Common::new(&self.settings.rules, &mut batch.symbols),
            labels: PointLabels::default(),
            constants: Constants::new(&self.settings, &mut batch.symbols),
            batch,
            point: 0,
            latest: 0,
            bounds: Vec::new(),
            dropped: Dropped::default(),
        };
        for resource in view::metrics(payload) {
            run.resource(resource);
        }
        let (mut batch, dropped) = (run.batch, run.dropped);
        batch.sort();
        (batch, dropped)
    }
}

/// Texts that every batch has.
#[derive(Clone, Copy)]
struct Constants {
    name: Symbol,
    le: Symbol,
    quantile: Symbol,
    infinity: Symbol,
    target_info: Symbol,
}

impl Constants {
    fn new(settings: &Settings, symbols: &mut Symbols) -> Self {
        let namespace = &settings.namespace;
        let target_info = if namespace.is_empty() { "target_info" } else { &format!("{namespace}_target_info") };
        let mut add = |text| symbols.add(text);
        let (name, le, quantile, infinity) = (add("__name__"), add("le"), add("quantile"), add("+Inf"));
        Constants { name, le, quantile, infinity, target_info: add(target_info) }
    }
}

/// The translation of one payload.
struct Run<'a, 'r> {
    settings: &'r Settings,
    kept: &'r mut Kept,
    batch: Batch,
    keys: Keys<'a>,
    common: Common<'a>,
    labels: PointLabels<'a>,
    constants: Constants,
    /// How many points of the payload came before.
    point: u32,
    /// The latest time of the resource's points.
    latest: u64,
    /// The texts of the bounds that the point before had.
    bounds: Vec<(u64, Symbol)>,
    dropped: Dropped,
}

/// A metric while its points are translated.
struct Subject<'m, 'a> {
    base: &'m Base,
    resource: &'m ResourceLabels<'a>,
    name: Symbol,
    family: u32,
    temporality: i32,
}

impl<'a> Run<'a, '_> {
    fn resource(&mut self, metrics: ResourceMetrics<'a>) {
        let rules = &self.settings.rules;
        let (common, keys, symbols) = (&mut self.common, &mut self.keys, &mut self.batch.symbols);
        let resource = ResourceLabels::new(metrics.resource.as_ref(), rules, common, keys, symbols);
        self.latest = 0;
        for scope in metrics.scope_metrics {
            let (common, symbols) = (&mut self.common, &mut self.batch.symbols);
            let base = Base::of_scope(&resource, scope.scope.as_ref(), rules, common, symbols);
            for metric in scope.metrics {
                self.metric(&metric, &base, &resource);
            }
        }
        if self.settings.has_target_info && self.latest > 0 {
            self.target(&resource);
        }
    }

    fn metric(&mut self, metric: &Metric<'a>, base: &Result<Base, BadKey>, resource: &ResourceLabels<'a>) {
        let Some(data) = metric.data() else { return };
        let before = self.point;
        let (kind, temporality) = match &data {
            Data::Sum(sum) if sum.is_monotonic => (name::Kind::Counter, sum.aggregation_temporality),
            Data::Sum(sum) => (name::Kind::Other, sum.aggregation_temporality),
            Data::Gauge(_) => (name::Kind::Gauge, CUMULATIVE),
            Data::Histogram(histogram) => (name::Kind::Other, histogram.aggregation_temporality),
            Data::ExponentialHistogram(histogram) => (name::Kind::Other, histogram.aggregation_temporality),
            Data::Summary(_) => (name::Kind::Other, CUMULATIVE),
        };
        let is_valid = temporality == CUMULATIVE || (temporality == DELTA && self.kept.deltas.is_some());
        let made = self.kept.names.metric(metric.name, metric.unit, kind);
        let made = made.map(|name| self.batch.symbols.add(name));
        let subject = match (base, made) {
            _ if !is_valid => Err(Reason::InvalidTemporality),
            (Ok(base), Some(name)) => {
                let family = self.family(metric, &data, name);
                Ok(Subject { base, resource, name, family, temporality })
            }
            _ => Err(Reason::InvalidName),
        };
        match (subject, data) {
            (Ok(subject), Data::Gauge(gauge)) => self.numbers(&subject, gauge.data_points, false),
            (Ok(subject), Data::Sum(sum)) => self.numbers(&subject, sum.data_points, sum.is_monotonic),
            (Ok(subject), Data::Histogram(histogram)) => self.histograms(&subject, histogram.data_points),
            (Ok(subject), Data::ExponentialHistogram(h)) => self.exponential_histograms(&subject, h.data_points),
            (Ok(subject), Data::Summary(summary)) => self.summaries(&subject, summary.data_points),
            (Err(reason), data) => {
                self.skip(data);
                self.dropped.add(reason, u64::from(self.point - before));
            }
        }
    }

    /// Passes by the points of a metric that is not sent; the resource was seen then all the same.
    fn skip(&mut self, data: Data<'a>) {
        match data {
            Data::Gauge(gauge) => gauge.data_points.for_each(|point| self.pass_by(point.time_unix_nano)),
            Data::Sum(sum) => sum.data_points.for_each(|point| self.pass_by(point.time_unix_nano)),
            Data::Histogram(histogram) => histogram.data_points.for_each(|point| self.pass_by(point.time_unix_nano)),
            Data::ExponentialHistogram(h) => h.data_points.for_each(|point| self.pass_by(point.time_unix_nano)),
            Data::Summary(summary) => summary.data_points.for_each(|point| self.pass_by(point.time_unix_nano)),
        }
    }

    fn pass_by(&mut self, time: u64) {
        self.latest = self.latest.max(time);
        self.point = self.point.saturating_add(1);
    }

    /// Comes by a point of this time: its number.
    fn pass(&mut self, time: u64) -> u32 {
        let point = self.point;
        self.pass_by(time);
        point
    }

    /// Makes the labels of a point; where they cannot be made, the point is left out.
    fn label(&mut self, subject: &Subject<'_, 'a>, attributes: Repeated<'a, KeyValue<'a>>) -> bool {
        let (keys, symbols) = (&mut self.keys, &mut self.batch.symbols);
        let made = self.labels.set(subject.base, subject.resource, attributes, keys, symbols);
        if made.is_err() {
            self.dropped.add(Reason::InvalidName, 1);
        }
        made.is_ok()
    }

    /// What a stream of deltas is known by.
    fn stream(&self, name: Symbol) -> u64 {
        let label = Label { name: self.constants.name, value: name };
        self.batch.symbols.hash_labels(self.labels.labels().iter().chain([&label]))
    }

    /// The name of a metric with what tells one of its series apart.
    fn suffixed(&mut self, name: Symbol, suffix: &str) -> Symbol {
        let made = [self.batch.symbols.text(name), suffix].concat();
        self.batch.symbols.add(&made)
    }

    fn family(&mut self, metric: &Metric<'a>, data: &Data<'a>, name: Symbol) -> u32 {
        let symbols = &mut self.batch.symbols;
        let (mut help, mut unit) = (NOTHING, NOTHING);
        if self.settings.has_metadata {
            help = symbols.add(metric.description);
            unit = symbols.add(&name::unit(metric.unit, self.settings.rules.strategy));
        }
        let family = Family { name, kind: kind(metric, data), help, unit };
        self.batch.families.push(family);
        self.batch.families.len() as u32 - 1
    }
}

/// Prometheus has types that OpenTelemetry has not; what scraped them says so in the metadata.
fn kind(metric: &Metric<'_>, data: &Data<'_>) -> FamilyKind {
    let told = || {
        let told = metric.metadata.clone().find(|pair| pair.key == "prometheus.type");
        told.map(|pair| text(pair.value.as_ref())).unwrap_or_default()
    };
    match data {
        Data::Gauge(_) if told() == "unknown" => FamilyKind::Unknown,
        Data::Gauge(_) => FamilyKind::Gauge,
        Data::Sum(sum) if sum.is_monotonic => FamilyKind::Counter,
        Data::Sum(_) => match &*told() {
            "info" => FamilyKind::Info,
            "stateset" => FamilyKind::StateSet,
            _ => FamilyKind::Gauge,
        },
        Data::Histogram(_) | Data::ExponentialHistogram(_) => FamilyKind::Histogram,
        Data::Summary(_) => FamilyKind::Summary,
    }
}

/// A time in milliseconds, which is what Prometheus has.
fn millis(nanos: u64) -> i64 {
    nanos.cast_signed() / 1_000_000
}

fn is_stale(flags: u32) -> bool {
    flags & NO_RECORDED_VALUE != 0
}
