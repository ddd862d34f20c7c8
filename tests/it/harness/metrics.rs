//! The collector's own metrics, as a scrape reads them.

/// One answer of `/metrics`.
pub(crate) struct Metrics(pub(crate) String);

impl Metrics {
    /// The sum over the samples of `name` whose labels have all of `labels`, each written `key="value"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.0
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let (family, of) = series.split_once('{').unwrap_or((series, ""));
                family == name && labels.iter().all(|label| of.contains(label))
            })
            .map(|(_, value)| value.parse::<f64>().expect("a sample is a number"))
            .sum()
    }
}
