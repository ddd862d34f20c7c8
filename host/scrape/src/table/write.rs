//! What a scrape has brought, written as OTLP: the points, those that are gone, and what is told of the scrape itself.

use std::hash::BuildHasher as _;
use std::ops::Range;
use std::time::Duration;

use host_otlp::Payload;
use host_otlp::build::{Metric, Metrics, ScopeMetrics, Temporality};

use super::data::{describe, histogram, nanos, native, number, summary};
use super::family::{Family, Resource, Shape};
use super::point::{Body, Point};
use super::{Table, Tally};
use crate::exposition::Kind;

/// The scope of what names none: the Collector's.
const SCOPE: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/prometheusreceiver";

/// What a payload is to have of bytes. A larger scrape becomes several, so that nobody behind it has to cut it, which would be to
/// copy all of it.
const PIECE: usize = 1 << 20;
/// What a point takes, before any has been written.
pub(super) const FIRST_WEIGHT: usize = 160;

/// What is told of a scrape.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    /// Milliseconds since the Unix epoch.
    pub(crate) time: i64,
    pub(crate) is_up: bool,
    pub(crate) duration: Duration,
    pub(crate) timeout: Duration,
    /// None where it is not known.
    pub(crate) body_size: Option<u64>,
}

/// What was made of a scrape.
pub(crate) struct Written {
    pub(crate) payloads: Vec<Payload>,
    pub(crate) tally: Tally,
}

/// Some points of a family, by their places in it.
struct Part {
    family: u32,
    points: Range<usize>,
}

impl Table {
    /// Ends a scrape that went well: gives what it brought, and what is gone since the one before.
    pub(crate) fn finish(&mut self, report: &Report) -> Written {
        self.put_report(report);
        let payloads = self.write(report.time);
        self.sweep();
        Written { payloads, tally: self.tally }
    }

    /// Ends a scrape that failed: everything that was there is gone, and of what it brought nothing is taken.
    pub(crate) fn fail(&mut self, report: &Report) -> Written {
        let tally = Tally { scraped: self.tally.scraped, ..Tally::default() };
        self.begin();
        self.tally = tally;
        self.finish(report)
    }

    /// The target is gone, and all that was told of it; as a scrape without anything, not even what is told of it.
    pub(crate) fn vanish(mut self, time: i64) -> Vec<Payload> {
        self.begin();
        self.write(time)
    }

    /// Adds what is told of the scrape itself, as Prometheus names it.
    fn put_report(&mut self, report: &Report) {
        let seconds = |duration: Duration| duration.as_secs_f64();
        let tally = self.tally;
        let limit = self.reading.limits.samples as f64;
        let told = [
            ("up", "The scraping was successful", "", f64::from(u8::from(report.is_up))),
            ("scrape_duration_seconds", "Duration of the scrape", "seconds", seconds(report.duration)),
            ("scrape_samples_scraped", "The number of samples the target exposed", "", tally.scraped as f64),
            (
                "scrape_samples_post_metric_relabeling",
                "The number of samples remaining after metric relabeling was applied",
                "",
                tally.kept as f64,
            ),
            ("scrape_series_added", "The approximate number of new series in this scrape", "", tally.added as f64),
        ];
        let extra = [
            (
                "scrape_timeout_seconds",
                "The configured scrape timeout for a target",
                "seconds",
                seconds(report.timeout),
            ),
            ("scrape_sample_limit", "The configured sample limit for a target", "", limit),
            (
                "scrape_body_size_bytes",
                "The uncompressed size of the last scrape response",
                "bytes",
                report.body_size.map_or(-1.0, |size| size as f64),
            ),
        ];
        let extra = extra.iter().filter(|_| self.reading.extra_metrics);
        let all: Vec<(&str, &str, &str, f64)> = told.iter().chain(extra).copied().collect();
        for (name, help, unit, value) in all {
            self.declare(name, Kind::Gauge);
            self.help(name, help);
            self.unit(name, unit);
            let mut labels = self.subject.labels.clone();
            for (name, value) in self.reading.external_labels.iter() {
                labels.set(name, value);
            }
            let (generation, id) = (self.generation, self.point(labels, Shape::Gauge, name, name));
            if let Some(point) = id.and_then(|id| self.points.get_mut(id)) {
                point.touch(generation);
                point.body = Body::Number(Some(value));
            }
        }
    }

    /// What `target_info` said in another scrape does not hold any more.
    fn forget_info(&mut self) {
        let generation = self.generation;
        let ids: Vec<u32> = self.resources.iter().filter(|(_, r)| r.info.is_some()).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(resource) = self.resources.get_mut(id).filter(|resource| resource.told != generation) {
                resource.info = None;
                resource.describe(&self.subject);
            }
        }
    }

    fn sort(&mut self) {
        if !std::mem::take(&mut self.is_reordered) {
            return;
        }
        let mut order: Vec<((u32, u32, u64), u32)> =
            self.families.iter().map(|(id, f)| ((f.key.resource, f.key.scope, f.rank), id)).collect();
        order.sort_unstable();
        self.order = order.into_iter().map(|(_, id)| id).collect();
    }

    /// Writes the points of a scrape, and those that are not in it as gone.
    fn write(&mut self, time: i64) -> Vec<Payload> {
        self.forget_info();
        self.sort();
        let generation = self.generation;
        let payloads: Vec<Payload> = self.pieces().iter().map(|parts| self.write_piece(parts, time)).collect();
        let (bytes, points) = payloads.iter().fold((0, 0), |(bytes, points), payload| {
            (bytes + payload.len(), points + usize::try_from(payload.items()).unwrap_or(usize::MAX))
        });
        self.weight = bytes.checked_div(points).unwrap_or(FIRST_WEIGHT);
        let track_times = self.reading.track_timestamps_staleness;
        let ids: Vec<u32> = self.points.iter().map(|(id, _)| id).collect();
        for point in ids {
            if let Some(point) = self.points.get_mut(point) {
                point.is_known = is_current(point, generation) && (track_times || !point.is_timed);
            }
        }
        payloads
    }

    /// What there is to say in the order in which it is said, in pieces of about one size.
    fn pieces(&self) -> Vec<Vec<Part>> {
        let most = (PIECE / self.weight.max(1)).max(1);
        let (mut pieces, mut piece, mut count) = (Vec::new(), Vec::new(), 0);
        for (id, family) in self.order.iter().filter_map(|id| Some((*id, self.families.get(*id)?))) {
            let mut from = 0;
            while from < family.points.len() {
                let points = from..(from + most - count).min(family.points.len());
                from = points.end;
                if self.has_points(family, points.clone()) {
                    count += points.len();
                    piece.push(Part { family: id, points });
                }
                if count >= most {
                    pieces.push(std::mem::take(&mut piece));
                    count = 0;
                }
            }
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        pieces
    }

    fn write_piece(&self, parts: &[Part], time: i64) -> Payload {
        let points: usize = parts.iter().map(|part| part.points.len()).sum();
        // A little more than what was needed before, so that it does not have to be moved at its end.
        let mut metrics = Metrics::with_capacity(points * (self.weight + self.weight / 8) + 1024);
        let mut steps = Vec::new();
        let stands_under = |part: &Part| self.families.get(part.family).map(|f| (f.key.resource, f.key.scope));
        let resource_of = |part: &Part| stands_under(part).map(|(resource, _)| resource);
        for of_resource in parts.chunk_by(|a, b| resource_of(a) == resource_of(b)) {
            let id = of_resource.first().and_then(resource_of);
            let Some(resource) = id.and_then(|id| self.resources.get(id)) else { continue };
            metrics.resource_metrics(|out| {
                out.resource(|out| out.attributes(&resource.attributes));
                for of_scope in of_resource.chunk_by(|a, b| stands_under(a) == stands_under(b)) {
                    out.scope_metrics(|out| {
                        self.write_scope(of_scope.first().and_then(stands_under).map(|(_, scope)| scope), out);
                        for part in of_scope {
                            let Some(family) = self.families.get(part.family) else { continue };
                            let told = self.told.get(&family.declared_as);
                            out.metric(|out| {
                                out.name(&family.key.name);
                                if let Some(told) = told {
                                    describe(out, &told.help, &told.unit);
                                }
                                self.write_points(family, part.points.clone(), time, &mut steps, out);
                                out.metadata("prometheus.type", told.map_or(Kind::Unknown, |told| told.kind).name());
                            });
                        }
                    });
                }
            });
        }
        metrics.finish()
    }

    /// Whether there is anything to say of these points of a family.
    fn has_points(&self, family: &Family, points: Range<usize>) -> bool {
        let ids = family.points.get(points).unwrap_or_default();
        let mut points = ids.iter().filter_map(|id| self.points.get(*id));
        points.any(|point| point.is_known || is_current(point, self.generation))
    }

    fn write_scope(&self, id: Option<u32>, out: &mut ScopeMetrics<'_>) {
        let Some(scope) = id.and_then(|id| self.scopes.get(id)) else { return };
        let key = &scope.key;
        out.scope(|out| {
            let is_named = !key.name.is_empty();
            out.name(if is_named { &key.name } else { SCOPE });
            let version = if is_named { &*key.version } else { env!("CARGO_PKG_VERSION") };
            if !version.is_empty() {
                out.version(version);
            }
            out.attributes(&key.attributes);
        });
        if !key.schema_url.is_empty() {
            out.schema_url(&key.schema_url);
        }
    }

    fn write_points(
        &self,
        family: &Family,
        points: Range<usize>,
        time: i64,
        steps: &mut Vec<(f64, f64)>,
        out: &mut Metric<'_>,
    ) {
        let ids = family.points.get(points).unwrap_or_default();
        let points = || {
            let known = ids.iter().filter_map(|id| self.points.get(*id));
            known.filter_map(|point| match is_current(point, self.generation) {
                true => Some((point, false)),
                false => point.is_known.then_some((point, true)),
            })
        };
        let time_of = |point: &Point, is_gone: bool| match is_gone || !point.is_timed {
            true => nanos(time),
            false => nanos(point.time),
        };
        match family.key.shape {
            Shape::Gauge => out.gauge(|out| {
                for (point, is_gone) in points() {
                    out.data_point(|out| number(out, point, is_gone, time_of(point, is_gone)));
                }
            }),
            Shape::Counter | Shape::UpDown => out.sum(|out| {
                for (point, is_gone) in points() {
                    out.data_point(|out| number(out, point, is_gone, time_of(point, is_gone)));
                }
                out.aggregation_temporality(Temporality::Cumulative);
                if family.key.shape == Shape::Counter {
                    out.is_monotonic(true);
                }
            }),
            Shape::Histogram => out.histogram(|out| {
                for (point, is_gone) in points() {
                    let Body::Parts(parts) = &point.body else { continue };
                    // What is gone has the buckets that it had.
                    parts.current(point.generation, steps);
                    out.data_point(|out| histogram(out, point, parts, steps, is_gone, time_of(point, is_gone)));
                }
                out.aggregation_temporality(Temporality::Cumulative);
            }),
            Shape::Summary => out.summary(|out| {
                for (point, is_gone) in points() {
                    let Body::Parts(parts) = &point.body else { continue };
                    parts.current(point.generation, steps);
                    out.data_point(|out| summary(out, point, parts, steps, is_gone, time_of(point, is_gone)));
                }
            }),
            Shape::Native => out.exponential_histogram(|out| {
                for (point, is_gone) in points() {
                    out.data_point(|out| native(out, point, is_gone, time_of(point, is_gone)));
                }
                out.aggregation_temporality(Temporality::Cumulative);
            }),
        }
    }

    /// Forgets what the scrape did not have.
    fn sweep(&mut self) {
        let generation = self.generation;
        self.series.retain(|series| series.generation == generation);
        self.told.retain(|_, told| told.generation == generation);
        let gone = |point: &Point| point.generation != generation;
        let points: Vec<u32> = self.points.iter().filter(|(_, point)| gone(point)).map(|(id, _)| id).collect();
        if !points.is_empty() {
            let ids: Vec<u32> = self.families.iter().map(|(id, _)| id).collect();
            for id in ids {
                let Some(family) = self.families.get_mut(id) else { continue };
                family.points.retain(|id| self.points.get(*id).is_some_and(|point| !gone(point)));
                if family.points.is_empty() {
                    self.forget_family(id);
                }
            }
            points.into_iter().for_each(|id| self.forget_point(id));
        }
        let is_over = |resource: &Resource| resource.families == 0 && resource.told != generation;
        let resources: Vec<u32> = self.resources.iter().filter(|(_, r)| is_over(r)).map(|(id, _)| id).collect();
        for id in resources {
            if let Some(resource) = self.resources.remove(id) {
                self.resource_ids.remove(&resource.key);
            }
        }
    }

    fn forget_point(&mut self, id: u32) {
        let Some(point) = self.points.remove(id) else { return };
        let hash = self.hasher.hash_one((point.family, &point.attributes));
        if let Ok(entry) = self.places.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
    }

    fn forget_family(&mut self, id: u32) {
        let Some(Family { key, .. }) = self.families.remove(id) else { return };
        self.family_ids.remove(&key);
        self.is_reordered = true;
        if let Some(resource) = self.resources.get_mut(key.resource) {
            resource.families -= 1;
        }
        if let Some(scope) = self.scopes.get_mut(key.scope) {
            scope.families -= 1;
            if scope.families == 0
                && let Some(scope) = self.scopes.remove(key.scope)
            {
                self.scope_ids.remove(&scope.key);
            }
        }
    }
}

/// Whether a scrape had enough of it.
fn is_current(point: &Point, generation: u32) -> bool {
    point.generation == generation && point.is_complete()
}
