//! Modules that somebody puts on the shelf, each for some clusters.

use std::fs;
use std::sync::Arc;

use host_component::{Consumer, Delivery, Outcome, PipelineId};
use host_manifest::{ClusterPattern, Digest, Fields};
use host_wasm::{Edition, IfMissing, ModuleSource, ProcessorConfig, Pushed, Standing};
use test_adversaries::Guest;

use crate::rig::{Rig, Sink, label, logs, mine};

/// Who has had a record says so in this attribute.
const BY: &str = "by";

struct Cluster {
    rig: Rig,
    processor: Option<Arc<dyn Consumer>>,
}

impl Cluster {
    fn new() -> Cluster {
        Cluster { rig: Rig::with(|config| config.has_shelf = true), processor: None }
    }

    /// What `head` has when `guest` was pushed under it.
    fn edition(&self, head: &str, clusters: &[&str], guest: &Guest) -> Pushed {
        let component = guest.build();
        let path = self.rig.folder.path().join(format!("{head}.wasm"));
        fs::write(&path, &component).unwrap();
        let all = Fields { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() };
        Pushed {
            head: head.to_owned(),
            module: "mine".to_owned(),
            revision: 1,
            digest: Digest::of(&component),
            component: path,
            config: "{}".to_owned(),
            grants: all,
            clusters: clusters.iter().map(|pattern| ClusterPattern::read(pattern).unwrap()).collect(),
            is_good: false,
            withheld: None,
        }
    }

    fn put(&self, pushed: Pushed) -> Arc<Edition> {
        let edition = Arc::new(Edition::new(pushed));
        self.rig.sandbox.shelf().put(Arc::clone(&edition));
        edition
    }

    async fn start(&mut self) {
        let config = ProcessorConfig { source: ModuleSource::Kubernetes, ..mine() };
        self.start_as(config).await;
    }

    async fn start_as(&mut self, config: ProcessorConfig) {
        let pipeline: PipelineId = "logs".parse().unwrap();
        let next: Arc<dyn Consumer> = Arc::<Sink>::clone(&self.rig.sink);
        let id = "wasm/mine".parse().unwrap();
        self.processor = Some(self.rig.sandbox.processor(id, pipeline, config, &[], next).unwrap());
        self.rig.sandbox.ready().await.unwrap_or_else(|failures| panic!("{failures:?}"));
    }

    async fn send(&self, cluster: &str) -> Outcome {
        let delivery = logs(&["said"]);
        let origin = delivery.origin.of_cluster(cluster);
        self.processor.as_ref().unwrap().consume(Delivery { origin, ..delivery }).await
    }

    /// Who has had a record of this cluster; none where it is refused.
    async fn by(&self, cluster: &str) -> Option<String> {
        self.send(cluster).await.ok()?;
        let [delivery] = self.rig.sink.take().try_into().unwrap();
        Some(label(&delivery.payload, BY).unwrap_or_default())
    }

    async fn stands(&self, edition: &Edition, standing: &Standing) {
        self.rig.until(&format!("{standing:?}"), || edition.standing(1).as_ref() == Some(standing)).await;
    }
}

fn by(name: &str) -> Guest {
    Guest::label(BY, name)
}

#[tokio::test]
async fn what_is_closest_to_a_cluster_has_its_data_and_what_nothing_is_for_is_refused() {
    let mut cluster = Cluster::new();
    cluster.start().await;
    assert_eq!(cluster.by("edge-eu-1").await, None, "nothing was pushed");
    assert_eq!(cluster.rig.sandbox.unready().len(), 1);
    let edges = cluster.put(cluster.edition("edges", &["edge-*"], &by("edges")));
    cluster.stands(&edges, &Standing::Live).await;
    assert_eq!(cluster.by("edge-eu-1").await.as_deref(), Some("edges"));
    cluster.rig.until("it is ready", || cluster.rig.sandbox.unready().is_empty()).await;
    for nobodys in ["", "hub"] {
        let refused = cluster.send(nobodys).await.unwrap_err();
        assert!(!refused.is_permanent() && refused.to_string().contains("no module mine"), "{refused}");
    }
    assert_eq!(cluster.rig.metric("tidegate_processor_refused_items_total"), 3);

    let eu = cluster.put(cluster.edition("eu", &["edge-eu-*", "hub"], &by("eu")));
    cluster.stands(&eu, &Standing::Live).await;
    assert_eq!(cluster.by("edge-eu-1").await.as_deref(), Some("eu"));
    assert_eq!(cluster.by("edge-us-1").await.as_deref(), Some("edges"));
    assert_eq!(cluster.by("hub").await.as_deref(), Some("eu"));
    let heads: Vec<_> = cluster.rig.sandbox.status().into_iter().map(|status| (status.head, status.clusters)).collect();
    let told =
        |head: &str, clusters: &[&str]| (Some(head.to_owned()), clusters.iter().map(|c| (*c).to_owned()).collect());
    assert_eq!(heads, [told("edges", &["edge-*"]), told("eu", &["edge-eu-*", "hub"])]);

    cluster.rig.sandbox.shelf().clear(&eu);
    cluster.rig.until("what is cleared is gone", || cluster.rig.sandbox.status().len() == 1).await;
    assert_eq!(cluster.by("edge-eu-1").await.as_deref(), Some("edges"));
    assert_eq!(cluster.by("hub").await, None);
}

#[tokio::test]
async fn a_module_for_other_clusters_takes_them_with_it() {
    let mut cluster = Cluster::new();
    cluster.put(cluster.edition("one", &["a"], &by("one")));
    cluster.start().await;
    assert_eq!(cluster.by("a").await.as_deref(), Some("one"));
    // The same code, and the same configuration: only whom it is for is another.
    let moved = cluster.put(Pushed { revision: 2, ..cluster.edition("one", &["b"], &by("one")) });
    cluster.stands(&moved, &Standing::Live).await;
    assert_eq!((cluster.by("a").await, cluster.by("b").await.as_deref()), (None, Some("one")));
    assert_eq!(cluster.rig.metric("tidegate_module_loads_total"), 1, "nothing was loaded anew");
}

#[tokio::test]
async fn one_that_cannot_be_loaded_changes_nothing() {
    let mut cluster = Cluster::new();
    cluster.put(cluster.edition("all", &["*"], &by("all")));
    cluster.start().await;
    let broken = cluster.put(cluster.edition("eu", &["eu"], &Guest::idle().refuses("it does not want to")));
    let refused = || matches!(broken.standing(1), Some(Standing::Refused(_)));
    cluster.rig.until("it is refused", refused).await;
    assert_eq!(cluster.by("eu").await.as_deref(), Some("all"));
    assert_eq!(cluster.by("").await.as_deref(), Some("all"));
}

#[tokio::test]
async fn what_was_live_before_keeps_its_clusters_though_it_cannot_be_loaded_any_more() {
    let mut cluster = Cluster::new();
    cluster.put(cluster.edition("all", &["*"], &by("all")));
    let gone = cluster.edition("eu", &["eu"], &by("eu"));
    fs::remove_file(&gone.component).unwrap();
    cluster.put(Pushed { is_good: true, ..gone });
    cluster
        .start_as(ProcessorConfig { source: ModuleSource::Kubernetes, if_missing: Some(IfMissing::Pass), ..mine() })
        .await;
    assert_eq!(cluster.by("us").await.as_deref(), Some("all"));
    assert_eq!(cluster.by("eu").await, None, "wider rules are not its own, and nothing passes it");
}
