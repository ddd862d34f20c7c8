//! The collector's own metrics: named counters and gauges with labels, in the Prometheus text format on request.
//!
//! Names follow the Collector's (`otelcol_*`) wherever it has one, and `tidegate_*` elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus::core::{Collector, Metric, MetricVec, MetricVecBuilder};
use prometheus::proto::{Metric as Member, MetricFamily};
use prometheus::{CounterVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, PullingGauge, Registry};

/// A number that only grows. Cloning shares it.
pub type Counter = prometheus::IntCounter;
/// Seconds that only become more. Cloning shares them.
pub type Seconds = prometheus::Counter;
/// A number that goes up and down. Cloning shares it.
pub type Gauge = prometheus::IntGauge;
/// How values are spread. Cloning shares it.
pub type Histogram = prometheus::Histogram;

/// Bounds for what takes from microseconds to seconds, in seconds.
pub const DURATIONS: [f64; 19] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Every metric of this process. Cloning shares the registry.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    registry: Registry,
    counters: Families<IntCounterVec>,
    seconds: Families<CounterVec>,
    gauges: Families<IntGaugeVec>,
    histograms: Families<HistogramVec>,
    shown: Mutex<HashMap<Shown, Vec<Weak<AtomicI64>>>>,
}

/// The name of a gauge and the values of its labels.
type Shown = (&'static str, Vec<String>);

/// Metrics of one kind, by name.
type Families<F> = Mutex<HashMap<&'static str, F>>;

impl Metrics {
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter of this name and these labels; the same one for each caller.
    ///
    /// # Panics
    /// When one name is used with two sets of label names: a mistake in the program, not in its input.
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)]) -> Counter {
        self.member(&self.0.counters, name, labels, |names| IntCounterVec::new(Opts::new(name, help), names))
    }

    /// The counter of seconds of this name and these labels; the same one for each caller.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn seconds(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)]) -> Seconds {
        self.member(&self.0.seconds, name, labels, |names| CounterVec::new(Opts::new(name, help), names))
    }

    /// The gauge of this name and these labels; the same one for each caller.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)]) -> Gauge {
        self.member(&self.0.gauges, name, labels, |names| IntGaugeVec::new(Opts::new(name, help), names))
    }

    /// The histogram of this name and these labels, with these upper bounds of its buckets; the same one for each caller.
    ///
    /// # Panics
    /// As [`Metrics::counter`], and when the bounds do not rise.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        bounds: &[f64],
    ) -> Histogram {
        self.member(&self.0.histograms, name, labels, |names| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), names)
        })
    }

    /// The member of a family that has these labels; the family is made with the first.
    fn member<B: MetricVecBuilder>(
        &self,
        families: &Families<MetricVec<B>>,
        name: &'static str,
        labels: &[(&str, &str)],
        make: impl FnOnce(&[&str]) -> prometheus::Result<MetricVec<B>>,
    ) -> B::M
    where
        MetricVec<B>: Collector + Clone + 'static,
    {
        let (names, values): (Vec<&str>, Vec<&str>) = labels.iter().copied().unzip();
        let mut families = families.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| {
            let family = make(&names).expect("metric names are valid");
            self.0.registry.register(Box::new(family.clone())).expect("a name is registered once");
            family
        });
        family.get_metric_with_label_values(&values).expect("a metric has one set of labels")
    }

    /// The gauge of this name and these labels, for as long as somebody has it. While a component takes over from another
    /// both do: what the younger one says is shown.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn own_gauge(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: i64) -> OwnGauge {
        let names = labels.iter().map(|(label, _)| (*label).to_owned()).collect();
        let shown: Shown = (name, labels.iter().map(|(_, value)| (*value).to_owned()).collect());
        let value = Arc::new(AtomicI64::new(value));
        let gauge = {
            // Nobody takes it out of what is shown meanwhile.
            let mut all = self.shown();
            all.entry(shown.clone()).or_default().push(Arc::downgrade(&value));
            self.gauge(name, help, labels)
        };
        let own = OwnGauge { metrics: self.clone(), names, shown, gauge, value };
        own.show();
        own
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<Shown, Vec<Weak<AtomicI64>>>> {
        self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the gauge with these labels out of what is shown, where it was there.
    pub fn forget_gauge(&self, name: &'static str, labels: &[(&str, &str)]) {
        forget(&self.0.gauges, name, labels);
    }

    /// Takes the counter or histogram with these labels out of what is shown, where it was there: for what comes and goes
    /// without end. Whoever has it counts on, unseen.
    pub fn forget(&self, name: &'static str, labels: &[(&str, &str)]) {
        forget(&self.0.counters, name, labels);
        forget(&self.0.histograms, name, labels);
    }

    /// A gauge whose value is asked for when somebody looks.
    ///
    /// # Panics
    /// When there is one of this name: a mistake in the program, not in its input.
    pub fn sampled(&self, name: &'static str, help: &'static str, value: impl Fn() -> f64 + Send + Sync + 'static) {
        let gauge = PullingGauge::new(name, help, Box::new(value)).expect("metric names are valid");
        self.0.registry.register(Box::new(gauge)).expect("a name is registered once");
    }

    /// A counter's sums by the values of one of its labels; empty where nothing has counted yet.
    pub fn totals(&self, name: &str, label: &str) -> BTreeMap<String, u64> {
        let mut totals = BTreeMap::new();
        let families = self.0.registry.gather();
        for counter in families.iter().filter(|family| family.name() == name).flat_map(MetricFamily::get_metric) {
            let value = counter.get_label().iter().find(|pair| pair.name() == label).map_or("", |pair| pair.value());
            // What is counted in whole numbers, a float carries exactly up to 2^53.
            *totals.entry(value.to_owned()).or_default() += counter.get_counter().get_value() as u64;
        }
        totals
    }

    /// What `label` says in the members of a counter's family that have these other labels.
    pub fn label_values(&self, name: &str, labels: &[(&str, &str)], label: &str) -> Vec<String> {
        let families = self.0.registry.gather();
        let members = families.iter().filter(|family| family.name() == name).flat_map(MetricFamily::get_metric);
        let has = |member: &Member, (name, value): &(&str, &str)| {
            member.get_label().iter().any(|pair| (pair.name(), pair.value()) == (*name, *value))
        };
        let alike = members.filter(|member| labels.iter().all(|label| has(member, label)));
        let pairs = alike.flat_map(Member::get_label).filter(|pair| pair.name() == label);
        pairs.map(|pair| pair.value().to_owned()).collect()
    }

    /// The sum of a counter over all its labels; 0 where nothing has counted yet.
    pub fn total(&self, name: &str) -> u64 {
        self.totals(name, "").values().sum()
    }

    /// All metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        prometheus::TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default()
    }
}

fn forget<B: MetricVecBuilder>(families: &Families<MetricVec<B>>, name: &str, labels: &[(&str, &str)]) {
    let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
    let families = families.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(family) = families.get(name) {
        // It fails only where there is none.
        let _ = family.remove_label_values(&values);
    }
}

/// A gauge that is shown until it is dropped.
pub struct OwnGauge {
    metrics: Metrics,
    names: Vec<String>,
    shown: Shown,
    gauge: Gauge,
    value: Arc<AtomicI64>,
}

impl OwnGauge {
    pub fn set(&self, value: i64) {
        self.value.store(value, Ordering::Relaxed);
        self.show();
    }

    /// Shows what the youngest of those that have it says, or nothing where there is none.
    fn show(&self) {
        let mut shown = self.metrics.shown();
        let Some(holders) = shown.get_mut(&self.shown) else { return };
        holders.retain(|holder| holder.strong_count() > 0);
        match holders.last().and_then(Weak::upgrade) {
            Some(youngest) => self.gauge.set(youngest.load(Ordering::Relaxed)),
            None => {
                shown.remove(&self.shown);
                let values = self.shown.1.iter().map(String::as_str);
                let labels: Vec<(&str, &str)> = self.names.iter().map(String::as_str).zip(values).collect();
                self.metrics.forget_gauge(self.shown.0, &labels);
            }
        }
    }
}

impl Drop for OwnGauge {
    fn drop(&mut self) {
        self.value = Arc::default();
        self.show();
    }
}

/// An estimate of the value below which `share` of all values of histograms with the same bounds lie, as Prometheus'
/// `histogram_quantile` makes it: within a bucket values are taken to be spread evenly. None where there is no value; beyond
/// the last bound it is that bound.
pub fn quantile(histograms: &[&Histogram], share: f64) -> Option<f64> {
    let metrics: Vec<_> = histograms.iter().map(|histogram| histogram.metric()).collect();
    let count: u64 = metrics.iter().map(|metric| metric.get_histogram().get_sample_count()).sum();
    // Bounds as bits, in the order of the numbers, since all are positive.
    let mut buckets: BTreeMap<u64, u64> = BTreeMap::new();
    for bucket in metrics.iter().flat_map(|metric| metric.get_histogram().get_bucket()) {
        *buckets.entry(bucket.upper_bound().to_bits()).or_default() += bucket.cumulative_count();
    }
    let rank = share * count as f64;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, up_to) in buckets {
        let (upper, up_to) = (f64::from_bits(bound), up_to as f64);
        if up_to >= rank && up_to > below {
            return Some(lower + (upper - lower) * ((rank - below) / (up_to - below)));
        }
        (lower, below) = (upper, up_to);
    }
    (count > 0).then_some(lower)
}
