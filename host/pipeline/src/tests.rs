//! Tests of what stands in `src`: its promises, one sentence each.

mod by_cluster;
mod connectors;
mod fanout;
mod graph;
mod toys;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome, PipelineId, Signal};
use host_telemetry::Metrics;

use crate::spigot::Places;
use crate::{Branch, Branches, FanOut, Spigots};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers every delivery alike and counts them.
struct Answer {
    outcome: Outcome,
    calls: AtomicU64,
}

impl Answer {
    fn new(outcome: Outcome) -> Arc<Self> {
        Arc::new(Answer { outcome, calls: AtomicU64::new(0) })
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Consumer for Answer {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        assert_eq!(delivery.route, None, "what stands behind a fan-out knows nothing of its routes");
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { self.outcome.clone() })
    }
}

/// One log record without a field: ExportLogsServiceRequest.resource_logs.scope_logs.log_records.
fn one_record() -> Delivery {
    let bytes = bytes::Bytes::from_static(&[0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]);
    Delivery::new(host_otlp::check(Signal::Logs, bytes, &host_otlp::Limits::default()).unwrap())
}

fn branches(metrics: &Metrics, to: &[&Arc<Answer>]) -> Branches {
    let branch = |(i, answer): (usize, &&Arc<Answer>)| {
        let next: Arc<dyn Consumer> = Arc::<Answer>::clone(answer);
        Branch::new(metrics, "logs", format!("debug/{i}"), next)
    };
    Branches::new(to.iter().enumerate().map(branch).collect())
}

fn refused(seconds: u64) -> Failure {
    Failure::refused("full", Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_failure_that_a_retry_may_cure_refuses_the_request_of_all() {
    let metrics = Metrics::new();
    let good = Answer::new(Ok(()));
    let gone = Answer::new(Err(Failure::permanent("no such tenant")));
    let (soon, later) = (Answer::new(Err(refused(1))), Answer::new(Err(refused(9))));
    let outcome = branches(&metrics, &[&good, &soon, &gone, &later]).consume(one_record()).await;
    assert_eq!(outcome, Err(refused(9)), "the sender waits for the slowest");
    assert_eq!([&good, &soon, &gone, &later].map(|a| a.calls()), [1; 4], "all were called");
    assert_eq!(metrics.total("tidegate_fanout_dropped_items"), 0, "what is sent again was not dropped");
}

#[tokio::test]
async fn a_permanent_failure_of_one_is_counted_there_and_holds_up_nobody() {
    let metrics = Metrics::new();
    let (good, gone) = (Answer::new(Ok(())), Answer::new(Err(Failure::permanent("no such tenant"))));
    assert_eq!(branches(&metrics, &[&good, &gone]).consume(one_record()).await, Ok(()));
    let counted = "tidegate_fanout_dropped_items{from=\"logs\",to=\"debug/1\"} 1\n";
    assert!(metrics.render().contains(counted), "{}", metrics.render());
}

#[tokio::test]
async fn a_permanent_failure_of_all_is_one() {
    let metrics = Metrics::new();
    let gone = Answer::new(Err(Failure::permanent("no such tenant")));
    let outcome = branches(&metrics, &[&gone, &gone]).consume(one_record()).await;
    assert_eq!(outcome, Err(Failure::permanent("no such tenant")));
    assert_eq!(metrics.total("tidegate_fanout_dropped_items"), 0, "the sender was told");
}

#[tokio::test]
async fn a_route_takes_its_own_exporters_and_no_others() {
    let metrics = Metrics::new();
    let (own, audit) = (Answer::new(Ok(())), Answer::new(Ok(())));
    let fan_out = FanOut::new(&metrics, "logs", branches(&metrics, &[&own]), vec![branches(&metrics, &[&audit])]);
    let routed = |route| Delivery { route, ..one_record() };
    fan_out.consume(routed(Some(0))).await.unwrap();
    assert_eq!((own.calls(), audit.calls()), (0, 1));
    fan_out.consume(routed(None)).await.unwrap();
    assert_eq!((own.calls(), audit.calls()), (1, 1));
    let nowhere = fan_out.consume(routed(Some(1))).await.unwrap_err();
    assert!(nowhere.is_permanent(), "{nowhere}");
}

#[tokio::test]
async fn counts_what_no_route_takes_where_the_pipeline_has_routes_alone() {
    let metrics = Metrics::new();
    let audit = Answer::new(Ok(()));
    let fan_out = FanOut::new(&metrics, "logs", branches(&metrics, &[]), vec![branches(&metrics, &[&audit])]);
    assert_eq!(fan_out.consume(one_record()).await, Ok(()));
    assert_eq!((audit.calls(), metrics.total("tidegate_fanout_dropped_items")), (0, 1));
}

#[tokio::test]
async fn what_is_drawn_is_what_passes_and_who_is_slow_is_passed_over() {
    let pipeline: PipelineId = "logs".parse().unwrap();
    let processors = ["batch".parse().unwrap()];
    let (places, spigots) = (Places::new(&processors), Spigots::default());
    let after = Arc::clone(&places.after[&processors[0]]);
    spigots.replace(vec![(pipeline, places)], |_| true);
    after.pass(&one_record().payload);
    let mut drawn = spigots.draw("logs", Some("batch")).unwrap();
    for _ in 0..10 {
        after.pass(&one_record().payload);
    }
    assert_eq!(drawn.next().await.unwrap().items(), 1);
    assert!(drawn.missed() > 0);
    assert_eq!(drawn.missed(), 0, "it is told once");
    let crowd: Vec<_> = (0..100).map_while(|_| spigots.draw("logs", Some("batch")).ok()).collect();
    assert!(!crowd.is_empty() && crowd.len() < 100, "{}", crowd.len());
    drop(crowd);
    spigots.draw("logs", Some("batch")).expect("those who left make room");
    spigots.replace(Vec::new(), |_| false);
    assert!(spigots.draw("logs", None).is_err(), "what is gone cannot be looked at");
}
