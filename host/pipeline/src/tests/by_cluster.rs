//! Data of several clusters on its way past something that looks at which one it is bound to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome, Payload, cluster_of};
use host_otlp::build::Logs;
use host_otlp::view;

use super::{Answer, refused};
use crate::by_cluster::{ByCluster, Together};

/// A payload with a resource for each cluster; an empty one names none.
fn payload(clusters: &[&str]) -> Payload {
    let mut logs = Logs::new();
    for cluster in clusters {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| {
                if !cluster.is_empty() {
                    resource.attribute("cluster.id", *cluster);
                }
            });
            resource_logs.scope_logs(|scope_logs| scope_logs.log_record(|record| record.body("said")));
        });
    }
    logs.finish()
}

fn clusters(payload: &Payload) -> Vec<&str> {
    view::logs(payload).map(|logs| cluster_of(logs.resource)).collect()
}

/// Keeps what comes.
#[derive(Default)]
struct Kept(Mutex<Vec<Delivery>>);

impl Kept {
    fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Consumer for Kept {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.0.lock().unwrap().push(delivery);
            Ok(())
        })
    }
}

/// Does with a delivery what its cluster is called.
struct Does {
    next: Arc<dyn Consumer>,
    seen: Mutex<Vec<(String, u64)>>,
}

impl Consumer for Does {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let cluster = delivery.origin.cluster().unwrap().to_owned();
            self.seen.lock().unwrap().push((cluster.clone(), delivery.payload.items()));
            match cluster.as_str() {
                "drop" => Ok(()),
                "refuse" => Err(refused(1)),
                "fail" => Err(Failure::permanent("never")),
                "edit" => self.next.consume(Delivery { payload: payload(&["other"]), ..delivery }).await,
                "route" => self.next.consume(Delivery { route: Some(1), ..delivery }).await,
                "twice" => {
                    let again = self.next.consume(delivery.clone());
                    let (one, other) = futures_util::future::join(self.next.consume(delivery), again).await;
                    one.and(other)
                }
                // What sends on by itself does so in another task, as a batch does.
                "batch" => {
                    let next = Arc::clone(&self.next);
                    tokio::spawn(async move { next.consume(delivery).await }).await.unwrap()
                }
                _ => self.next.consume(delivery).await,
            }
        })
    }
}

struct Line {
    start: Arc<dyn Consumer>,
    does: Arc<Does>,
    kept: Arc<Kept>,
}

impl Line {
    fn new() -> Line {
        let kept = Arc::new(Kept::default());
        let does = Arc::new(Does { next: Together::before(Arc::<Kept>::clone(&kept)), seen: Mutex::default() });
        Line { start: ByCluster::before(Arc::<Does>::clone(&does)), does, kept }
    }

    async fn send(&self, clusters: &[&str]) -> Outcome {
        self.start.consume(Delivery::new(payload(clusters))).await
    }
}

#[tokio::test]
async fn what_is_of_one_cluster_goes_by_as_it_is() {
    let line = Line::new();
    let sent = payload(&["eu", "eu"]);
    line.start.consume(Delivery::new(sent.clone())).await.unwrap();
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(arrived.payload.contiguous().as_ptr(), sent.contiguous().as_ptr());
    assert_eq!(arrived.origin.cluster(), None, "behind the last who looks at it nobody has to know");
    assert_eq!(*line.does.seen.lock().unwrap(), [("eu".to_owned(), 2)]);
}

#[tokio::test]
async fn what_names_no_cluster_is_bound_to_none() {
    let line = Line::new();
    line.send(&[""]).await.unwrap();
    line.send(&[]).await.unwrap();
    assert_eq!(*line.does.seen.lock().unwrap(), [(String::new(), 1), (String::new(), 0)]);
}

#[tokio::test]
async fn what_names_its_cluster_in_another_spelling_is_bound_to_it() {
    let line = Line::new();
    let mut logs = Logs::new();
    for key in ["cluster.id", "cluster_id", "Cluster-ID"] {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| resource.attribute(key, "eu"));
            resource_logs.scope_logs(|scope_logs| scope_logs.log_record(|record| record.body("said")));
        });
    }
    line.start.consume(Delivery::new(logs.finish())).await.unwrap();
    assert_eq!(*line.does.seen.lock().unwrap(), [("eu".to_owned(), 3)]);
}

#[tokio::test]
async fn several_clusters_are_parted_and_one_again_without_a_copy() {
    let line = Line::new();
    let sent = payload(&["eu", "us", "eu", ""]);
    line.start.consume(Delivery::new(sent.clone())).await.unwrap();
    assert_eq!(*line.does.seen.lock().unwrap(), [("eu".to_owned(), 2), ("us".to_owned(), 1), (String::new(), 1)]);
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(arrived.payload.contiguous().as_ptr(), sent.contiguous().as_ptr());
}

#[tokio::test]
async fn what_was_changed_or_dropped_is_one_again_with_the_rest() {
    let line = Line::new();
    line.send(&["eu", "edit", "drop", "eu"]).await.unwrap();
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(clusters(&arrived.payload), ["eu", "eu", "other"]);
    line.send(&["drop", "edit"]).await.unwrap();
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(clusters(&arrived.payload), ["other"]);
}

#[tokio::test]
async fn what_takes_a_route_is_not_joined_with_what_takes_none() {
    let line = Line::new();
    line.send(&["eu", "route", "us"]).await.unwrap();
    let arrived = line.kept.take();
    let told: Vec<_> = arrived.iter().map(|one| (one.route, clusters(&one.payload))).collect();
    assert_eq!(told, [(None, vec!["eu", "us"]), (Some(1), vec!["route"])]);
}

#[tokio::test]
async fn nothing_goes_on_where_a_part_is_refused_since_all_of_it_comes_again() {
    let line = Line::new();
    assert_eq!(line.send(&["eu", "refuse", "us"]).await, Err(refused(1)));
    assert!(line.kept.take().is_empty(), "it would be there twice");
    // What nobody sends again is lost alone.
    assert!(line.send(&["eu", "fail"]).await.unwrap_err().is_permanent());
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(clusters(&arrived.payload), ["eu"]);
}

#[tokio::test]
async fn what_is_sent_on_in_several_pieces_or_by_others_arrives_too() {
    let line = Line::new();
    line.send(&["twice", "batch", "eu"]).await.unwrap();
    let arrived = line.kept.take();
    let mut told: Vec<&str> = arrived.iter().flat_map(|one| clusters(&one.payload)).collect();
    told.sort_unstable();
    assert_eq!(told, ["batch", "eu", "twice", "twice"]);
    assert!(arrived.iter().all(|one| one.origin.cluster().is_none()));
}

#[tokio::test]
async fn more_clusters_than_may_be_under_way_are_one_again_too_or_none_of_them_goes_on() {
    let line = Line::new();
    let names: Vec<String> = (0..200).map(|number| format!("edge-{number}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    line.send(&names).await.unwrap();
    let [arrived] = line.kept.take().try_into().unwrap();
    assert_eq!(arrived.payload.items(), 200);
    names[150] = "refuse";
    assert_eq!(line.send(&names).await, Err(refused(1)));
    assert!(line.kept.take().is_empty());
}

#[tokio::test]
async fn more_clusters_than_anybody_has_are_refused_for_good() {
    let names: Vec<String> = (0..2000).map(|number| format!("edge-{number}")).collect();
    let outcome = Line::new().send(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(outcome.unwrap_err().is_permanent());
}

#[tokio::test]
async fn no_piece_of_a_part_goes_on_where_another_part_is_refused() {
    let line = Line::new();
    assert_eq!(line.send(&["twice", "refuse"]).await, Err(refused(1)));
    assert!(line.kept.take().is_empty());
}

#[tokio::test]
async fn what_comes_of_the_whole_is_told_to_its_sender() {
    let full = Answer::new(Err(Failure::refused("full", Duration::from_secs(3))));
    let start = ByCluster::before(Together::before(Arc::<Answer>::clone(&full)));
    let outcome = start.consume(Delivery::new(payload(&["eu", "us"]))).await;
    assert_eq!((outcome, full.calls()), (Err(Failure::refused("full", Duration::from_secs(3))), 1));
}
