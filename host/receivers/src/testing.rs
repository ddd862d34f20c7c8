//! What the tests of receivers share: a pipeline that answers as it is told, and a receiver in front of it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Outcome, Receiver, Shutdown,
    Signal, Trigger,
};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use tokio::task::JoinHandle;

use crate::{Budget, Deps};

/// What everything is waited for at most.
pub(crate) const CAP: Duration = Duration::from_secs(20);

/// Takes what comes, or refuses the next so many.
#[derive(Default)]
pub(crate) struct Pipeline {
    records: Mutex<Vec<(Vec<KeyValue>, LogRecord)>>,
    pub(crate) refuses: AtomicUsize,
    pub(crate) calls: AtomicUsize,
}

impl Consumer for Pipeline {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let refuse = |left: usize| left.checked_sub(1);
            if self.refuses.try_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
                return Err(Failure::Retryable { reason: "later".to_owned(), after: Some(Duration::from_millis(5)) });
            }
            let request = ExportLogsServiceRequest::decode(delivery.payload.contiguous()).unwrap();
            let mut records = self.records.lock().unwrap();
            for group in request.resource_logs {
                let resource = group.resource.unwrap_or_default().attributes;
                let found = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
                records.extend(found.map(|record| (resource.clone(), record)));
            }
            Ok(())
        })
    }
}

pub(crate) fn text(value: &Option<AnyValue>) -> String {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|pair| pair.key == key).map(|pair| text(&pair.value))
}

impl Pipeline {
    pub(crate) fn records(&self) -> Vec<(Vec<KeyValue>, LogRecord)> {
        self.records.lock().unwrap().clone()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.records.lock().unwrap().iter().map(|(_, record)| text(&record.body)).collect()
    }
}

/// A receiver that runs.
pub(crate) struct Running {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) metrics: Metrics,
    trigger: Trigger,
    task: JoinHandle<()>,
}

/// Starts a receiver whose paths start from `base`.
pub(crate) fn start(
    base: &Path,
    pipeline: Arc<Pipeline>,
    build: impl FnOnce(&Consumers, &Deps<'_>) -> Box<dyn Receiver>,
) -> Running {
    let mut consumers = Consumers::default();
    consumers.set(Signal::Logs, Arc::clone(&pipeline) as Arc<dyn Consumer>);
    let metrics = Metrics::new();
    let (budget, auth, metadata) = (Budget::default(), Authenticators::default(), MetadataKeys::default());
    let deps = Deps {
        budget: &budget,
        ack_timeout: Duration::from_secs(1),
        base,
        auth: &auth,
        metadata: &metadata,
        metrics: &metrics,
    };
    let receiver = build(&consumers, &deps);
    let (trigger, shutdown): (Trigger, Shutdown) = Trigger::new();
    let task = tokio::spawn(receiver.run(shutdown));
    Running { pipeline, metrics, trigger, task }
}

pub(crate) fn gauge(metrics: &Metrics, name: &str) -> Option<i64> {
    metrics.render().lines().find_map(|line| {
        let (label, value) = line.rsplit_once(' ')?;
        label.starts_with(name).then(|| value.parse().ok())?
    })
}

impl Running {
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Pipeline) -> bool) {
        let began = Instant::now();
        while !holds(&self.pipeline) {
            assert!(began.elapsed() < CAP, "{what} did not come about: {:?}", self.pipeline.bodies());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for as many records, and says what they are.
    pub(crate) async fn bodies(&self, count: usize) -> Vec<String> {
        self.until(&format!("{count} records"), |pipeline| pipeline.bodies().len() >= count).await;
        self.pipeline.bodies()
    }

    pub(crate) async fn metric(&self, name: &str, at_least: u64) {
        let began = Instant::now();
        while self.metrics.total(name) < at_least {
            assert!(began.elapsed() < CAP, "{name} did not come to {at_least}: {}", self.metrics.render());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.trigger.fire();
        self.task.await.unwrap();
    }

    /// Ends as a `kill -9` does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(crate) async fn until_gauge(&self, name: &str, holds: impl Fn(i64) -> bool) {
        let began = Instant::now();
        loop {
            let value = gauge(&self.metrics, name);
            if value.is_some_and(&holds) {
                return;
            }
            assert!(began.elapsed() < CAP, "{name} is {value:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
