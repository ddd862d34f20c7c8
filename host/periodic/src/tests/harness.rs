//! A collector that tells when it was asked, and a pipeline that keeps what it takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, MetadataKeys, Outcome, Payload, Receiver as _, Signal,
    Trigger,
};
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{Choices, Collect, Collected, Kind, Missed, Periodic, Recorder, Schedule, Spec, resource};

pub(super) const COUNT: Spec = Spec::new(Kind::Counter, "test.count", "{time}", "How often.");

/// What one collection does: takes so long, and gives a point, or this.
#[derive(Clone, Default)]
pub(super) struct Step {
    pub(super) takes: Duration,
    pub(super) missed: Option<Missed>,
    pub(super) is_failing: bool,
}

pub(super) fn takes(takes: Duration) -> Step {
    Step { takes, ..Step::default() }
}

pub(super) fn misses(place: &str) -> Step {
    Step { missed: Some(Missed::new(place, "it is broken", "mend it")), ..Step::default() }
}

struct Steps {
    steps: VecDeque<Step>,
    asked: mpsc::UnboundedSender<Duration>,
    begun: Instant,
    count: u64,
}

impl Collect for Steps {
    async fn collect(&mut self) -> Result<Collected, Missed> {
        let _ = self.asked.send(self.begun.elapsed());
        let step = self.steps.pop_front().unwrap_or_default();
        self.count += 1;
        tokio::time::sleep(step.takes).await;
        match step.missed {
            Some(missed) if step.is_failing => Err(missed),
            missed => Ok(Collected::of("stub", vec![one(self.count)], missed.into_iter().collect())),
        }
    }
}

pub(super) fn one(count: u64) -> opentelemetry_proto::tonic::metrics::v1::ResourceMetrics {
    let choices = Choices::default();
    let mut recorder = Recorder::new(&choices, 1, 2);
    recorder.record(&COUNT, count, &[]);
    resource(Vec::new(), "test", "", recorder.finish())
}

/// What the one point of a payload says.
pub(super) fn count(payload: &Payload) -> i64 {
    let request = ExportMetricsServiceRequest::decode(payload.contiguous()).unwrap();
    let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else { panic!() };
    let Some(Value::AsInt(count)) = sum.data_points[0].value else { panic!() };
    count
}

/// What the pipeline does with one delivery: takes so long, and answers so.
pub(super) type Answer = (Duration, Outcome);

struct Sink {
    answers: Mutex<VecDeque<Answer>>,
    told: mpsc::UnboundedSender<(i64, bool)>,
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let (takes, outcome) = self.answers.lock().unwrap().pop_front().unwrap_or((Duration::ZERO, Ok(())));
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let _ = self.told.send((count(&delivery.payload), outcome.is_ok()));
            outcome
        })
    }
}

pub(super) struct Running {
    pub(super) metrics: Metrics,
    pub(super) asked: mpsc::UnboundedReceiver<Duration>,
    told: mpsc::UnboundedReceiver<(i64, bool)>,
    trigger: Trigger,
    task: JoinHandle<()>,
}

pub(super) fn every(interval: Duration) -> Schedule {
    Schedule { interval, initial_delay: Schedule::INITIAL_DELAY, timeout: Duration::ZERO }
}

impl Running {
    pub(super) fn start(schedule: Schedule, steps: Vec<Step>, answers: Vec<Answer>) -> Running {
        Running::within(schedule, steps, answers, Budget::DEFAULT_BYTES)
    }

    pub(super) fn within(schedule: Schedule, steps: Vec<Step>, answers: Vec<Answer>, budget: usize) -> Running {
        let (asked, asks) = mpsc::unbounded_channel();
        let steps = Steps { steps: steps.into(), asked, begun: Instant::now(), count: 0 };
        Running::of(schedule, steps, asks, answers, budget)
    }

    pub(super) fn of(
        schedule: Schedule,
        collector: impl Collect + Sync,
        asked: mpsc::UnboundedReceiver<Duration>,
        answers: Vec<Answer>,
        budget: usize,
    ) -> Running {
        let (told, tells) = mpsc::unbounded_channel();
        let mut consumers = Consumers::default();
        consumers.set(Signal::Metrics, Arc::new(Sink { answers: Mutex::new(answers.into()), told }));
        let metrics = Metrics::new();
        let deps = Deps {
            budget: &Budget::new(budget),
            ack_timeout: Duration::from_secs(5),
            base: std::path::Path::new("/"),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let id = "stub".parse().unwrap();
        let receiver = Periodic::new(&id, "stub", schedule, collector, &consumers, &deps);
        let (trigger, shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(receiver).run(shutdown));
        Running { metrics, asked, told: tells, trigger, task }
    }

    /// When it was asked next, since it began.
    pub(super) async fn asked(&mut self) -> Duration {
        self.asked.recv().await.unwrap()
    }

    /// The number of the next collection that the pipeline has answered for, and whether it took it.
    pub(super) async fn told(&mut self) -> (i64, bool) {
        self.told.recv().await.unwrap()
    }

    /// Ends it. Gives what the pipeline has answered for that nobody has looked at.
    pub(super) async fn stop(mut self) -> Vec<(i64, bool)> {
        self.trigger.fire();
        self.task.await.unwrap();
        let mut rest = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            rest.push(told);
        }
        rest
    }
}
