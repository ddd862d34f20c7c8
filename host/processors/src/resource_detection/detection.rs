//! Detection asks all detectors at once, each again after a pause where it failed, within the time that it may take.
//!
//! It happens once for each id of a configuration, whatever pipelines name it; where a `refresh_interval` is set, a task
//! repeats it until nobody holds the result. What a later detection could not find out stays as it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use host_component::{ComponentId, Shutdown, Trigger, spawn};
use host_telemetry::{Gauge, Metrics};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};

use super::config::{Config, DetectorName};
use super::detector::{Detector, Found, Trouble};
use super::merge::Merge;

/// Bounds of how long a detector takes, in seconds.
const DURATIONS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What was detected for the processors of one configuration, by their id.
#[derive(Default)]
pub struct Detections(Mutex<BTreeMap<ComponentId, Shared>>);

type Shared = Arc<OnceCell<Arc<Detected>>>;

/// What was detected last. The task that refreshes it ends with this.
pub(crate) struct Detected {
    current: Arc<ArcSwap<Merge>>,
    _refreshes: Option<Trigger>,
}

/// Why nothing was detected.
#[derive(Debug, thiserror::Error)]
#[error("detection failed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct DetectionError(Vec<Failed>);

/// A detector that failed to the end, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {trouble}", detector.as_str())]
struct Failed {
    detector: DetectorName,
    trouble: Trouble,
    /// Whether a source that cannot be reached is all that is wrong, and the section lets it count as one that knows nothing.
    is_missing: bool,
}

/// What a source that cannot be reached means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It knows nothing: nothing was known before, either.
    Tolerated,
    /// What it told before stays.
    Failure,
}

impl Detections {
    /// What is detected for `id`; asked for the first time, it is found out now.
    ///
    /// # Errors
    /// Names each detector that failed.
    pub(crate) async fn of(
        &self,
        id: &ComponentId,
        config: &Config,
        metrics: &Metrics,
    ) -> Result<Arc<Detected>, DetectionError> {
        let shared = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default());
        let start = || async { Asking::new(id, config, metrics).start().await.map(Arc::new) };
        shared.get_or_try_init(start).await.map(Arc::clone)
    }
}

impl Detected {
    pub(crate) fn merge(&self) -> Arc<Merge> {
        self.current.load_full()
    }
}

/// Who asks whom, and how patiently.
struct Asking {
    id: String,
    config: Config,
    detectors: Vec<(DetectorName, Detector)>,
    metrics: Metrics,
    attributes: Gauge,
}

impl Asking {
    fn new(id: &ComponentId, config: &Config, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let attributes = metrics.gauge(
            "otelcol_resourcedetection_attributes_detected",
            "Attributes that were detected.",
            &[("processor", &id)],
        );
        let detectors = config.detectors.iter().map(|name| (*name, Detector::new(*name, config))).collect();
        Asking { id, config: config.clone(), detectors, metrics: metrics.clone(), attributes }
    }

    async fn start(self) -> Result<Detected, DetectionError> {
        let found = self.detect(Missing::Tolerated).await?;
        tracing::info!(processor = %self.id, attributes = ?found.attributes, "detected where this runs");
        let current = Arc::new(ArcSwap::from_pointee(self.merge(&found)));
        if self.config.refresh_interval.is_zero() {
            return Ok(Detected { current, _refreshes: None });
        }
        let (trigger, shutdown) = Trigger::new();
        let owner = self.id.clone();
        spawn("refresh", &owner, self.refresh(Arc::clone(&current), shutdown));
        Ok(Detected { current, _refreshes: Some(trigger) })
    }

    async fn refresh(self, current: Arc<ArcSwap<Merge>>, mut shutdown: Shutdown) {
        loop {
            let again = async {
                sleep(self.config.refresh_interval).await;
                self.detect(Missing::Failure).await
            };
            let again = tokio::select! {
                again = again => again,
                () = shutdown.wait() => return,
            };
            match again {
                Ok(found) => current.store(Arc::new(self.merge(&found))),
                Err(error) => {
                    tracing::warn!(processor = %self.id, %error, "what was detected before stays in force");
                }
            }
        }
    }

    fn merge(&self, found: &Found) -> Merge {
        let merge = Merge::new(found, self.config.r#override);
        self.attributes.set(i64::try_from(merge.len()).unwrap_or(i64::MAX));
        merge
    }

    async fn detect(&self, missing: Missing) -> Result<Found, DetectionError> {
        let (mut all, mut failed) = (Found::default(), Vec::new());
        for answer in join_all(self.detectors.iter().map(|(name, detector)| self.ask(*name, detector))).await {
            match answer {
                Ok(found) => all.join(found),
                Err(Failed { detector, trouble, is_missing: true }) if missing == Missing::Tolerated => {
                    tracing::warn!(
                        processor = %self.id,
                        detector = detector.as_str(),
                        error = %trouble,
                        "nothing was detected; `fail_on_missing_metadata: true` tries again and does not start without"
                    );
                }
                Err(failure) => failed.push(failure),
            }
        }
        if failed.is_empty() { Ok(all) } else { Err(DetectionError(failed)) }
    }

    async fn ask(&self, detector: DetectorName, asked: &Detector) -> Result<Found, Failed> {
        let began = Instant::now();
        let answer = self.insist(detector, asked, began).await;
        let outcome = if answer.is_ok() { "success" } else { "failure" };
        let labels = [("processor", self.id.as_str()), ("detector", detector.as_str()), ("outcome", outcome)];
        let results = "otelcol_resourcedetection_detector_results";
        self.metrics.counter(results, "Answers of detectors, by whether they found out.", &labels).inc();
        let duration = "otelcol_resourcedetection_detector_duration";
        let help = "Seconds that a detector took, pauses between attempts included.";
        self.metrics.histogram(duration, help, &labels, &DURATIONS).observe(began.elapsed().as_secs_f64());
        answer.map_err(|trouble| Failed { detector, is_missing: self.tolerates(asked, &trouble), trouble })
    }

    fn tolerates(&self, asked: &Detector, trouble: &Trouble) -> bool {
        !self.config.fail_on_missing_metadata && asked.is_missing(trouble)
    }

    /// Asks until there is an answer or the time is over.
    async fn insist(&self, detector: DetectorName, asked: &Detector, began: Instant) -> Result<Found, Trouble> {
        let mut pauses = self.config.retry.pauses();
        let end = end(began, self.config.longest());
        loop {
            let limit = [end, end_of_attempt(&self.config)].into_iter().flatten().min();
            let answer = match limit {
                Some(limit) => {
                    let slow = |_| Trouble::Slow(limit.saturating_duration_since(began));
                    timeout_at(limit, asked.detect()).await.map_err(slow).flatten()
                }
                None => asked.detect().await,
            };
            let Err(trouble) = answer else { return answer };
            if trouble.is_final() || self.tolerates(asked, &trouble) {
                return Err(trouble);
            }
            let pause = pauses.next().filter(|pause| end.is_none_or(|end| Instant::now() + *pause < end));
            let Some(pause) = pause else { return Err(trouble) };
            tracing::warn!(
                processor = %self.id,
                detector = detector.as_str(),
                error = %trouble,
                again_in = ?pause,
                "a detector failed"
            );
            sleep(pause).await;
        }
    }
}

impl Config {
    /// So long detection may take as a whole; zero is no limit.
    fn longest(&self) -> Duration {
        match self.retry.max_elapsed_time {
            Duration::ZERO => self.timeout,
            limit => limit,
        }
    }
}

/// When an attempt that begins now has to be over.
fn end_of_attempt(config: &Config) -> Option<Instant> {
    end(Instant::now(), config.timeout)
}

fn end(began: Instant, after: Duration) -> Option<Instant> {
    if after.is_zero() { None } else { began.checked_add(after) }
}
