//! The collector's own metrics: named counters and gauges with labels, in the Prometheus text format on request.
//!
//! Names follow the Collector's (`otelcol_*`) wherever it has one, and `tidegate_*` elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, PullingGauge, Registry};

/// A number that only grows. Cloning shares it.
pub type Counter = prometheus::IntCounter;
/// A number that goes up and down. Cloning shares it.
pub type Gauge = prometheus::IntGauge;

/// Every metric of this process. Cloning shares the registry.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    registry: Registry,
    counters: Mutex<HashMap<&'static str, IntCounterVec>>,
    gauges: Mutex<HashMap<&'static str, IntGaugeVec>>,
}

impl Metrics {
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter of this name and these labels; the same one for each caller.
    ///
    /// # Panics
    /// When one name is used with two sets of label names: a mistake in the program, not in its input.
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)]) -> Counter {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
        let mut counters = self.0.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let family = counters.entry(name).or_insert_with(|| {
            let family = IntCounterVec::new(Opts::new(name, help), &names).expect("metric names are valid");
            self.0.registry.register(Box::new(family.clone())).expect("a name is registered once");
            family
        });
        family.get_metric_with_label_values(&values).expect("a metric has one set of labels")
    }

    /// The gauge of this name and these labels; the same one for each caller.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)]) -> Gauge {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
        let mut gauges = self.0.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        let family = gauges.entry(name).or_insert_with(|| {
            let family = IntGaugeVec::new(Opts::new(name, help), &names).expect("metric names are valid");
            self.0.registry.register(Box::new(family.clone())).expect("a name is registered once");
            family
        });
        family.get_metric_with_label_values(&values).expect("a metric has one set of labels")
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
            // The registry holds integers only, which a float carries exactly up to 2^53.
            *totals.entry(value.to_owned()).or_default() += counter.get_counter().get_value() as u64;
        }
        totals
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
