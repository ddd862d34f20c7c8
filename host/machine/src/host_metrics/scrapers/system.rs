//! `system`: how long the machine has been up.

use host_periodic::{Choices, Kind, Spec};

use super::super::parse;
use super::{Found, Scraper};

const UPTIME: Spec = Spec::new(Kind::Gauge, "system.uptime", "s", "The time the system has been running");

pub(crate) const METRICS: &[Spec] = &[UPTIME];

pub(crate) struct System(pub(crate) Choices);

impl Scraper for System {
    const NAME: &'static str = "system";

    fn choices(&self) -> &Choices {
        &self.0
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("uptime", 1) else { return };
        if let Some(seconds) = found.sense("uptime", 1, parse::uptime(&text)) {
            found.record.record(&UPTIME, seconds, &[]);
        }
    }
}
