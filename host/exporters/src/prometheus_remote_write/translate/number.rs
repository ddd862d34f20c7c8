//! Gauges and sums: a sample for each point.

use host_otlp::view::{Number, NumberDataPoint, Repeated};

use super::{DELTA, Reason, Run, STALE, Subject, is_stale, millis};
use crate::prometheus_remote_write::batch::Sample;
use crate::prometheus_remote_write::delta::{Interval, Step};

impl<'a> Run<'a, '_> {
    pub(super) fn numbers(
        &mut self,
        subject: &Subject<'_, 'a>,
        points: Repeated<'a, NumberDataPoint<'a>>,
        is_monotonic: bool,
    ) {
        let name = subject.name;
        for data in points {
            let point = self.pass(data.time_unix_nano);
            let is_stale = is_stale(data.flags);
            let value = match data.value() {
                _ if is_stale => f64::from_bits(STALE),
                Some(Number::Double(value)) => value,
                Some(Number::Int(value)) => value as f64,
                None => {
                    self.dropped.add(Reason::NoValue, 1);
                    continue;
                }
            };
            if !self.label(subject, data.attributes) {
                continue;
            }
            let mut start = if is_monotonic { data.start_time_unix_nano } else { 0 };
            let mut total = value;
            if subject.temporality == DELTA && !is_stale {
                let stream = self.stream(name);
                let interval = Interval { start: data.start_time_unix_nano, end: data.time_unix_nano };
                let Some(step) = self.kept.deltas.as_mut().map(|deltas| deltas.add(stream, interval, &value)) else {
                    continue;
                };
                match step {
                    Step::Total { total: sum, start: since } => {
                        total = sum;
                        start = if is_monotonic { since } else { 0 };
                    }
                    Step::Again => continue,
                    Step::Left(reason) => {
                        self.dropped.add(reason, 1);
                        continue;
                    }
                }
            }
            let exemplars = self.exemplars(data.exemplars);
            let sample = Sample { value: total, time: millis(data.time_unix_nano), start: millis(start), point };
            let places = self.labels.place([self.constants.name], &self.batch.symbols);
            let series = self.batch.series(places.with([name]), subject.family);
            series.samples.push(sample);
            series.exemplars.extend(exemplars);
        }
    }
}
