//! Summaries: a series for each quantile, one for the sum and one for the count.

use host_otlp::view::{Repeated, SummaryDataPoint};

use super::{Run, STALE, Subject, is_stale, millis};
use crate::prometheus_remote_write::batch::Sample;
use crate::prometheus_remote_write::text;

impl<'a> Run<'a, '_> {
    pub(super) fn summaries(&mut self, subject: &Subject<'_, 'a>, points: Repeated<'a, SummaryDataPoint<'a>>) {
        let name = subject.name;
        let [sum, count] = ["_sum", "_count"].map(|suffix| self.suffixed(name, suffix));
        for data in points {
            let point = self.pass(data.time_unix_nano);
            if !self.label(subject, data.attributes) {
                continue;
            }
            let (time, start) = (millis(data.time_unix_nano), millis(data.start_time_unix_nano));
            let sample = |value| {
                let value = if is_stale(data.flags) { f64::from_bits(STALE) } else { value };
                Sample { value, time, start, point }
            };
            let places = self.labels.place([self.constants.name], &self.batch.symbols);
            for (name, value) in [(sum, data.sum), (count, data.count as f64)] {
                self.batch.series(places.with([name]), subject.family).samples.push(sample(value));
            }
            // From here on an attribute of this name is out of the way.
            let quantile = self.constants.quantile;
            for value in data.quantile_values {
                let text = self.batch.symbols.add(&text::bound(value.quantile));
                let places = self.labels.place([self.constants.name, quantile], &self.batch.symbols);
                self.batch.series(places.with([name, text]), subject.family).samples.push(sample(value.value));
            }
        }
    }
}
