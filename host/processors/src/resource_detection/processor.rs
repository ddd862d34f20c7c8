//! The processor: what was detected is put into each delivery on its way.

use std::sync::Arc;

use futures_util::future::ready;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Failure, Outcome};
use host_config::{Check, Wrong};
use host_telemetry::Metrics;

use super::config::Config;
use super::detection::{Detected, DetectionError, Detections};

/// What the processor is built with.
pub struct Deps<'a> {
    pub detections: &'a Detections,
    pub metrics: &'a Metrics,
}

/// Why a processor cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Config { id: ComponentId, wrong: Wrong },
    #[error("{id}: {error}")]
    Detection { id: ComponentId, error: DetectionError },
}

impl Config {
    /// Finds out where the collector runs, and makes the processor, in front of `next`.
    ///
    /// # Errors
    /// When the section makes no sense, and when a detector fails.
    pub async fn build(
        self,
        id: ComponentId,
        next: Arc<dyn Consumer>,
        deps: &Deps<'_>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Config { id, wrong });
        }
        match deps.detections.of(&id, &self, deps.metrics).await {
            Ok(detected) => Ok(Arc::new(ResourceDetection { id, detected, next })),
            Err(error) => Err(BuildError::Detection { id, error }),
        }
    }
}

/// The `resource_detection` processor.
struct ResourceDetection {
    id: ComponentId,
    detected: Arc<Detected>,
    next: Arc<dyn Consumer>,
}

impl Consumer for ResourceDetection {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        match self.detected.merge().apply(&delivery.payload) {
            Ok(payload) => self.next.consume(Delivery { payload, ..delivery }),
            Err(error) => Box::pin(ready(Err(Failure::permanent(format!("{}: {error}", self.id))))),
        }
    }
}
