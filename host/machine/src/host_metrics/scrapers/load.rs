//! `load`: how many threads want to run.

use host_periodic::{Choices, Kind, Spec};

use super::super::config;
use super::super::parse;
use super::{Found, Scraper};

const ONE: Spec = Spec::new(Kind::Gauge, "system.cpu.load_average.1m", "{thread}", "Average CPU Load over 1 minute.");
const FIVE: Spec = Spec::new(Kind::Gauge, "system.cpu.load_average.5m", "{thread}", "Average CPU Load over 5 minutes.");
const FIFTEEN: Spec =
    Spec::new(Kind::Gauge, "system.cpu.load_average.15m", "{thread}", "Average CPU Load over 15 minutes.");

pub(crate) const METRICS: &[Spec] = &[ONE, FIVE, FIFTEEN];

pub(crate) struct Load(pub(crate) config::Load);

impl Scraper for Load {
    const NAME: &'static str = "load";

    fn choices(&self) -> &Choices {
        &self.0.metrics
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("loadavg", 3) else { return };
        let Some(averages) = found.sense("loadavg", 3, parse::load(&text)) else { return };
        let mut cpus = 1;
        if self.0.cpu_average {
            let Some(stat) = found.proc("stat", 3) else { return };
            cpus = parse::stat(&stat).cpus.len().max(1);
        }
        for (spec, average) in METRICS.iter().zip(averages) {
            found.record.record(spec, average / cpus as f64, &[]);
        }
    }
}
