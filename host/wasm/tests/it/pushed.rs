//! Modules that somebody puts on the shelf, each for some clusters.

use std::fs;
use std::sync::Arc;

use host_component::{Consumer, Delivery, Outcome, PipelineId};
use host_manifest::{ClusterPattern, Digest, Fields};
use host_wasm::{Edition, IfMissing, ModuleSource, ProcessorConfig, Pushed, Standing};
use test_adversaries::Guest;

use crate::rig::{Rig, Sink, label, logs, mine};
use crate::room::EIGHT_MIB;

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

    /// One on a host that has no room for more than a small module.
    fn with_little_memory() -> Cluster {
        let rig = Rig::with(|config| (config.has_shelf, config.limits.total_memory_mib) = (true, 6));
        Cluster { rig, processor: None }
    }

    /// What `head` has when `guest` was pushed under it.
    fn edition(&self, head: &str, clusters: &[&str], guest: &Guest) -> Pushed {
        let component = guest.build();
        let path = self.rig.folder.path().join(format!("{}.wasm", Digest::of(&component)));
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
        self.start_as(pushed_config()).await;
    }

    async fn start_as(&mut self, config: ProcessorConfig) {
        self.processor = Some(self.made("logs", config, &[]));
        self.ready().await;
    }

    /// A processor in a pipeline with these routes, which is not ready yet.
    fn made(&self, pipeline: &str, config: ProcessorConfig, routes: &[&str]) -> Arc<dyn Consumer> {
        let pipeline: PipelineId = pipeline.parse().unwrap();
        let next: Arc<dyn Consumer> = Arc::<Sink>::clone(&self.rig.sink);
        let routes: Vec<String> = routes.iter().map(|route| (*route).to_owned()).collect();
        self.rig.sandbox.processor("wasm/mine".parse().unwrap(), pipeline, config, &routes, next).unwrap()
    }

    async fn ready(&self) {
        self.rig.sandbox.ready().await.unwrap_or_else(|failures| panic!("{failures:?}"));
    }

    async fn send(&self, cluster: &str) -> Outcome {
        send_to(self.processor.as_ref().unwrap(), cluster).await
    }

    /// Who has had a record of this cluster; none where it is refused.
    async fn by(&self, cluster: &str) -> Option<String> {
        self.by_of(self.processor.as_ref().unwrap(), cluster).await
    }

    /// The same, where it is sent to a processor.
    async fn by_of(&self, processor: &Arc<dyn Consumer>, cluster: &str) -> Option<String> {
        send_to(processor, cluster).await.ok()?;
        let [delivery] = self.rig.sink.take().try_into().unwrap();
        Some(label(&delivery.payload, BY).unwrap_or_default())
    }

    /// Waits until an edition is refused, and why.
    async fn refuses(&self, edition: &Edition) -> String {
        self.rig.until("it is refused", || matches!(self.standing(edition), Some(Standing::Refused(_)))).await;
        match self.standing(edition) {
            Some(Standing::Refused(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn standing(&self, edition: &Edition) -> Option<Standing> {
        self.rig.sandbox.shelf().standing(edition)
    }

    async fn stands(&self, edition: &Edition, standing: &Standing) {
        self.rig.until(&format!("{standing:?}"), || self.standing(edition).as_ref() == Some(standing)).await;
    }
}

async fn send_to(processor: &Arc<dyn Consumer>, cluster: &str) -> Outcome {
    let delivery = logs(&["said"]);
    let origin = delivery.origin.of_cluster(cluster);
    processor.consume(Delivery { origin, ..delivery }).await
}

fn pushed_config() -> ProcessorConfig {
    ProcessorConfig { source: ModuleSource::Kubernetes, ..mine() }
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
    cluster.refuses(&broken).await;
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

#[tokio::test]
async fn what_one_processor_refuses_runs_in_none_until_that_one_is_gone() {
    let cluster = Cluster::new();
    let able = cluster.made("logs", pushed_config(), &["aside"]);
    let unable = cluster.made("logs/unable", pushed_config(), &[]);
    let first = cluster.put(cluster.edition("mine", &["*"], &by("first")));
    cluster.ready().await;
    assert_eq!(cluster.standing(&first), Some(Standing::Live), "both were ready when it began");
    let both = async || (cluster.by_of(&able, "").await.unwrap(), cluster.by_of(&unable, "").await.unwrap());
    assert_eq!(both().await, ("first".to_owned(), "first".to_owned()));

    let guest = by("second").routes(&["aside"]);
    let second = cluster.put(Pushed { revision: 2, ..cluster.edition("mine", &["*"], &guest) });
    let reason = cluster.refuses(&second).await;
    assert!(reason.starts_with("wasm/mine in logs/unable: ") && reason.contains("\"aside\""), "{reason}");
    assert_eq!(both().await, ("first".to_owned(), "first".to_owned()));
    // One that comes now runs what the others run.
    let newcomer = cluster.made("logs/new", pushed_config(), &["aside"]);
    cluster.ready().await;
    assert_eq!(cluster.by_of(&newcomer, "").await.as_deref(), Some("first"));
    assert_eq!(cluster.rig.metric_with("tidegate_module_loads_total", "refused"), 1, "nobody else has tried in vain");

    drop(unable);
    cluster.stands(&second, &Standing::Live).await;
    assert_eq!(cluster.by_of(&able, "").await.as_deref(), Some("second"));
    assert_eq!(cluster.by_of(&newcomer, "").await.as_deref(), Some("second"));
}

#[tokio::test]
async fn what_the_host_lacks_memory_for_is_tried_again_by_a_successor_that_goes_on_with_what_ran() {
    let cluster = Cluster::with_little_memory();
    let before = cluster.made("logs", pushed_config(), &[]);
    cluster.put(cluster.edition("mine", &["*"], &by("first")));
    cluster.ready().await;
    let large = by("second").in_configure(EIGHT_MIB);
    cluster.put(Pushed { revision: 2, ..cluster.edition("mine", &["*"], &large) });
    let after = cluster.made("logs", pushed_config(), &[]);
    cluster.ready().await;
    drop(before);
    assert_eq!(cluster.by_of(&after, "").await.as_deref(), Some("first"));
    // The one before it may have begun once more.
    let tried = || cluster.rig.metric_with("tidegate_module_loads_total", "refused");
    let seen = tried();
    cluster.rig.until("it tries again by itself", || tried() >= seen + 2).await;
}

#[tokio::test]
async fn what_is_in_force_stays_so_where_a_processor_that_comes_later_refuses_it() {
    let mut cluster = Cluster::new();
    let edition = cluster.put(cluster.edition("mine", &["*"], &by("one").routes(&["aside"])));
    cluster.processor = Some(cluster.made("logs", pushed_config(), &["aside"]));
    cluster.ready().await;
    assert_eq!(cluster.by("").await.as_deref(), Some("one"));
    let unable = cluster.made("logs/unable", pushed_config(), &[]);
    cluster.ready().await;
    let reason = cluster.refuses(&edition).await;
    assert!(reason.starts_with("wasm/mine in logs/unable refuses what other processors"), "{reason}");
    assert_eq!((cluster.by("").await.as_deref(), cluster.by_of(&unable, "").await), (Some("one"), None));
    drop(unable);
    cluster.stands(&edition, &Standing::Live).await;
}

#[tokio::test]
async fn a_newer_one_takes_the_place_of_one_that_some_processor_refuses() {
    let cluster = Cluster::new();
    let processors = [cluster.made("logs", pushed_config(), &["aside"]), cluster.made("logs/b", pushed_config(), &[])];
    let refused = cluster.put(cluster.edition("mine", &["*"], &by("one").routes(&["aside"])));
    cluster.ready().await;
    cluster.refuses(&refused).await;
    for processor in &processors {
        assert_eq!(cluster.by_of(processor, "").await, None, "nothing was in force before");
    }
    let good = cluster.put(Pushed { revision: 2, ..cluster.edition("mine", &["*"], &by("two")) });
    cluster.stands(&good, &Standing::Live).await;
    for processor in &processors {
        assert_eq!(cluster.by_of(processor, "").await.as_deref(), Some("two"));
    }
}

#[tokio::test]
async fn processors_of_a_module_run_the_same_however_fast_it_is_pushed() {
    let cluster = Cluster::new();
    let processors = [cluster.made("logs", pushed_config(), &["aside"]), cluster.made("logs/b", pushed_config(), &[])];
    cluster.put(cluster.edition("mine", &["*"], &by("0")));
    cluster.ready().await;
    for round in 1..=8_u64 {
        let revision = round * 10;
        let push = |number: u64, guest: &Guest| {
            cluster.put(Pushed { revision: revision + number, ..cluster.edition("mine", &["*"], guest) })
        };
        push(1, &by(&format!("{round} early")));
        // Each time it is a little further on its way when the next one comes.
        for _ in 0..round * 4 {
            let told = cluster.by_of(&processors[0], "").await;
            assert!(told.is_some_and(|by| !by.contains("refused")));
        }
        let refused = push(2, &by(&format!("{round} refused")).routes(&["aside"]));
        cluster.refuses(&refused).await;
        let running = || cluster.rig.sandbox.status().into_iter().filter_map(|status| Some(status.running?.digest));
        cluster
            .rig
            .until("both run the same", || {
                let running: Vec<String> = running().collect();
                running.len() == 2 && running[0] == running[1]
            })
            .await;
        for processor in &processors {
            let told = cluster.by_of(processor, "").await;
            assert!(told.as_ref().is_some_and(|by| !by.contains("refused")), "{told:?}");
        }
    }
    let last = cluster.put(Pushed { revision: 100, ..cluster.edition("mine", &["*"], &by("last")) });
    cluster.stands(&last, &Standing::Live).await;
    for processor in &processors {
        assert_eq!(cluster.by_of(processor, "").await.as_deref(), Some("last"));
    }
}
