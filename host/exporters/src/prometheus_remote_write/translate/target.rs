//! `target_info`: a series for each resource that tells what is known of it, with the time of its latest point.

use hashbrown::HashMap;

use super::{Run, millis};
use crate::prometheus_remote_write::batch::{Family, FamilyKind, NO_POINT, NOTHING, Sample};
use crate::prometheus_remote_write::labels::ResourceLabels;

/// How many resources are remembered in one of the two halves.
const MOST: usize = 20_000;

/// When each resource was told of last. A time before that would be refused, and the rest of its request with it.
#[derive(Default)]
pub(super) struct Targets {
    young: HashMap<u64, i64>,
    old: HashMap<u64, i64>,
}

impl Targets {
    /// Whether the resource may be told of at this time; it is remembered then.
    fn takes(&mut self, target: u64, time: i64) -> bool {
        if let Some(known) = self.young.get_mut(&target) {
            let is_later = time >= *known;
            *known = time.max(*known);
            return is_later;
        }
        if self.old.get(&target).is_some_and(|known| time < *known) {
            return false;
        }
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(target, time);
        true
    }
}

impl<'a> Run<'a, '_> {
    pub(super) fn target(&mut self, resource: &ResourceLabels<'a>) {
        let symbols = &mut self.batch.symbols;
        match self.labels.set_target(resource, &self.common, symbols) {
            Ok(true) => {}
            Ok(false) => return,
            Err(bad) => {
                tracing::debug!(key = bad.0, "a resource has an attribute that makes no label; it has no target_info");
                return;
            }
        }
        let name = self.constants.target_info;
        let time = millis(self.latest);
        let target = symbols.hash_labels(self.labels.labels());
        if !self.kept.targets.takes(target, time) {
            return;
        }
        let help = if self.settings.has_metadata { symbols.add("Target metadata") } else { NOTHING };
        let family = self.batch.families.len() as u32;
        self.batch.families.push(Family { name, kind: FamilyKind::Gauge, help, unit: NOTHING });
        let places = self.labels.place([self.constants.name], &self.batch.symbols);
        let sample = Sample { value: 1.0, time, start: 0, point: NO_POINT };
        let series = self.batch.series(places.with([name]), family);
        // Resources that differ in nothing that is told are one here.
        match series.samples.first_mut() {
            Some(before) => before.time = before.time.max(time),
            None => series.samples.push(sample),
        }
    }
}
