//! What is wrong with a module that is pushed is told once in an event, in a metric and in a line of the log, and changes nothing.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CONFIG, Cluster, MAIL, SSN, processed, write};
use crate::harness::telemetry::metrics;
use crate::harness::{Backend, Client, Collector, eventually, modules};

const HEAD: &str = "/api/v1/namespaces/default/configmaps/pii-scrub";
const EVENTS: &str = "/api/v1/namespaces/default/events";

/// A collector that runs a module, and what it is asked after something wrong was pushed.
struct Running {
    cluster: Cluster,
    collector: Collector,
    backend: Backend,
    client: Client,
    asked: usize,
    /// How much of the log was looked at.
    seen: usize,
    /// What was refused, by reason and by what is said of it.
    refused: Vec<(String, String)>,
}

impl Running {
    async fn start(config: &str, push: &str) -> Option<Running> {
        let cluster = Cluster::start().await?;
        keys(&cluster);
        let backend = Backend::start().await;
        let public = fs::read(cluster.folder.path().join("public.pem")).unwrap();
        let collector = cluster.host(config, &backend).file("public.pem", public).start().await;
        cluster.pushed(&format!("push pii-scrub --config ssn.yaml{push} --wait"));
        let client = Client::connect(collector.grpc()).await;
        let seen = collector.log.len();
        Some(Running { cluster, collector, backend, client, asked: 0, seen, refused: Vec::new() })
    }

    /// Changes the manifest of the head.
    async fn change(&self, change: impl FnOnce(&mut Value)) {
        let head = self.cluster.server.read(HEAD).await;
        let mut manifest: Value = serde_json::from_str(head["data"]["manifest.json"].as_str().unwrap()).unwrap();
        change(&mut manifest);
        self.cluster.server.patch(HEAD, &json!({ "data": { "manifest.json": manifest.to_string() } })).await;
    }

    /// It is told once in each way, beside all that was told before it, and what ran runs on.
    async fn is_refused(&mut self, reason: &str, says: &str) {
        self.refused.push((reason.to_owned(), says.to_owned()));
        let quoted = format!("reason=\"{reason}\"");
        self.collector.log.wait_for(self.seen, &["a pushed module is refused", &quoted, says]).await;
        self.seen = self.collector.log.len();
        let of_reason = self.refused.iter().filter(|(of, _)| of == reason).count();
        let alike = self.refused.iter().filter(|told| **told == (reason.to_owned(), says.to_owned())).count();
        let events = eventually("an event tells", async || {
            let events = self.cluster.server.read(EVENTS).await;
            let mut items = events["items"].as_array().unwrap().clone();
            items.retain(|event| event["reason"] == reason && event["involvedObject"]["name"] == "pii-scrub");
            (items.len() >= of_reason).then_some(items)
        })
        .await;
        assert_eq!(events.len(), of_reason, "{events:?}");
        let telling = events.iter().filter(|event| event["message"].as_str().unwrap().contains(says)).count();
        assert_eq!(telling, alike, "{says}: {events:?}");
        let metrics = self.collector.metrics().await;
        let counted = metrics.sum("tidegate_pushed_module_rejected", &[&quoted]);
        assert_eq!(counted, of_reason as f64, "{reason}: {:?}", self.refused);
        self.still_scrubs().await;
    }

    async fn still_scrubs(&mut self) {
        self.asked += 1;
        let body = processed(&self.client, &self.backend, &format!("after-{}", self.asked)).await.unwrap();
        assert!(!body.contains(SSN), "what was good runs on: {body}");
    }

    /// Pushes what `tidegate module push` would not, as somebody with `kubectl` may.
    async fn push_by_hand(&self, name: &str, component: &[u8]) {
        let digest = format!("sha256:{:x}", Sha256::digest(component));
        let part = format!("pii-scrub-{name}-0");
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": part }, "immutable": true,
            "binaryData": { "component": base64::engine::general_purpose::STANDARD.encode(component) },
        });
        self.cluster.server.create("/api/v1/namespaces/default/configmaps", &object).await;
        self.change(|manifest| {
            manifest["revision"] = json!(manifest["revision"].as_u64().unwrap() + 1);
            manifest["component"] = json!({
                "digest": digest, "bytes": component.len(), "coding": "plain",
                "parts": [{ "name": part, "digest": digest, "bytes": component.len() }],
            });
        })
        .await;
    }
}

fn keys(cluster: &Cluster) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let ran = command.current_dir(cluster.folder.path()).args(arguments.split(' ')).output();
        assert!(ran.unwrap().status.success(), "{arguments}");
    };
    for name in ["key", "stranger"] {
        openssl(&format!("ecparam -name prime256v1 -genkey -noout -out {name}.pem"));
    }
    openssl("ec -in key.pem -pubout -out public.pem");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_head_changes_nothing() {
    let Some(mut running) = Running::start(CONFIG, "").await else { return };
    running
        .change(|manifest| {
            manifest["revision"] = json!(2);
            manifest["component"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
        })
        .await;
    running.is_refused("WrongDigest", "is not what the manifest says").await;
    running
        .change(|manifest| {
            manifest["revision"] = json!(3);
            manifest["component"]["digest"] = json!(format!("sha256:{}", "1".repeat(64)));
            manifest["component"]["parts"][0]["name"] = json!("pii-scrub-nowhere-0");
        })
        .await;
    running.is_refused("MissingPart", "pii-scrub-nowhere-0").await;
    running.change(|manifest| manifest["grant"] = json!({})).await;
    running.is_refused("InvalidManifest", "unknown field `grant`").await;
    // It is taken away, and then something is pushed as it should be.
    running.cluster.server.delete(HEAD).await;
    running.collector.log.wait_for(0, &["was deleted: the module runs on"]).await;
    running.still_scrubs().await;
    running.cluster.pushed("push pii-scrub --config ssn.yaml --revision 5");
    running.collector.log.wait_for(0, &["was fetched", "revision=5"]).await;
    running.change(|manifest| manifest["revision"] = json!(4)).await;
    running.is_refused("OlderRevision", "this host has seen 5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_trusted_has_signed_changes_nothing() {
    let config = CONFIG.replace("modules:\n", "modules:\n  trust: { keys: [public.pem] }\n");
    let Some(mut running) = Running::start(&config, " --key key.pem").await else { return };
    running.cluster.pushed("push pii-scrub --config mail.yaml --key stranger.pem");
    running.is_refused("Untrusted", "none of its signatures is by one of the keys").await;
    // What was signed is changed afterwards.
    running.cluster.pushed("push pii-scrub --config ssn.yaml --key key.pem");
    running.collector.log.wait_for(0, &["was fetched", "revision=3"]).await;
    running.change(|manifest| manifest["grants"]["reads"] = json!(["*"])).await;
    running.is_refused("Untrusted", "none of its signatures is by one of the keys").await;
    // What is signed elsewhere is signed.
    let head = running.cluster.server.read(HEAD).await;
    let mut manifest: Value = serde_json::from_str(head["data"]["manifest.json"].as_str().unwrap()).unwrap();
    manifest["revision"] = json!(9);
    let folder = running.cluster.folder.path();
    write(folder, "manifest.json", &manifest.to_string());
    let mut signing = Command::new("openssl");
    signing.current_dir(folder).args(["dgst", "-sha256", "-sign", "key.pem", "manifest.json"]);
    let signature = base64::engine::general_purpose::STANDARD.encode(signing.output().unwrap().stdout);
    write(folder, "manifest.sig", &signature);
    assert!(running.cluster.module("verify manifest.json --key public.pem --signature manifest.sig").0);
    assert!(!running.cluster.module("verify ssn.yaml --key public.pem --signature manifest.sig").0);
    let data = json!({ "manifest.json": manifest.to_string(), "manifest.sig": signature });
    running.cluster.server.patch(HEAD, &json!({ "data": data })).await;
    running.collector.log.wait_for(0, &["was fetched", "revision=9"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sandbox_refuses_changes_nothing() {
    let Some(mut running) = Running::start(CONFIG, "").await else { return };
    let folder = running.cluster.folder.path().to_owned();
    // It asks for more than the host grants.
    write(&folder, "wide.yaml", "detectors: { us_ssn: {} }\nfields: [log.body, resource.attributes]\n");
    running.cluster.pushed("push pii-scrub --config wide.yaml");
    running.is_refused("Refused", "resource.attributes").await;
    // It asks for more than it was pushed with.
    write(&folder, "grants.yaml", "reads: ['log.attributes[**]']\nwrites: [log, counters]\n");
    running.cluster.pushed("push pii-scrub --config ssn.yaml --grants grants.yaml");
    running.is_refused("Refused", "the grants that it was pushed with").await;
    // It is no module, or one of another world.
    for (name, component, says) in [
        ("elsewhere", modules::of_another_version(&modules::bundled("pii-scrub")), "0.9.0"),
        ("foreign", modules::with_a_foreign_import(&modules::bundled("pii-scrub")), "imports strange0:processor/log"),
        ("broken", modules::truncated(&modules::bundled("pii-scrub")), "damaged or cut off"),
    ] {
        running.push_by_hand(name, &component).await;
        running.is_refused("Refused", says).await;
    }
}

/// The same with another pipeline that runs the module.
fn with_metrics() -> String {
    let logs = "    logs: { receivers: [otlp], processors: [wasm/scrub], exporters: [otlp_grpc] }\n";
    let replaced = CONFIG.replace(logs, &format!("{logs}{}", logs.replace("logs:", "metrics:")));
    assert_ne!(replaced, CONFIG);
    replaced
}

impl Running {
    /// Logs are masked by it, and metrics want what this host does not grant.
    fn write_wide(&self) {
        let config = "detectors: { us_ssn: {}, email: {} }\nfields: [log.body, datapoint.attributes]\n";
        write(self.cluster.folder.path(), "wide.yaml", config);
    }

    async fn reload(&self, yaml: &str) {
        let seen = self.collector.log.len();
        self.collector.replace("tidegate.yaml", yaml);
        self.collector.log.wait_for(seen, &["configuration taken over"]).await;
    }

    async fn masks_mail(&mut self) -> bool {
        self.asked += 1;
        let body = processed(&self.client, &self.backend, &format!("mail-{}", self.asked)).await.unwrap();
        assert!(!body.contains(SSN), "what was good before masks as much: {body}");
        !body.contains(MAIL)
    }

    /// Waits until the metric, the pod and the disk say so.
    async fn is_live(&self, revision: u64) {
        eventually("the revision is told", async || {
            let told = self.collector.metrics().await.sum("tidegate_pushed_module_revision", &[]);
            (told == revision as f64).then_some(())
        })
        .await;
        self.stands(&format!("pii-scrub   host-0   {revision} "), "Live").await;
        assert_eq!(self.good(), revision);
    }

    async fn stands(&self, of: &str, state: &str) {
        eventually("the pod says so", async || {
            let status = self.cluster.pushed("status");
            status.lines().find(|line| line.starts_with(of) && line.contains(state)).map(|_| ())
        })
        .await;
    }

    /// The revision that would run after a restart.
    fn good(&self) -> u64 {
        let kept: Value = serde_json::from_str(&self.collector.read("state/heads/pii-scrub@pii-scrub.json")).unwrap();
        let manifest: Value = serde_json::from_str(kept["good"]["manifest"].as_str().unwrap()).unwrap();
        manifest["revision"].as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_two_pipelines_refuses_runs_in_neither_until_that_one_is_gone() {
    let Some(mut running) = Running::start(&with_metrics(), "").await else { return };
    running.is_live(1).await;
    running.write_wide();
    let (is_done, said) = running.cluster.module("push pii-scrub --config wide.yaml --wait");
    assert!(!is_done && said.contains("Refused: wasm/scrub in metrics: "), "{said}");
    running.is_refused("Refused", "datapoint.attributes").await;
    running.stands("pii-scrub   host-0   2 ", "Refused").await;
    assert!(!running.masks_mail().await, "logs are masked as they were");
    running.client.metrics(metrics()).await.expect("metrics are taken as they were");
    assert_eq!(running.collector.log.having(0, &["module loaded"]).len(), 2, "both have loaded the first revision");
    assert_eq!(running.collector.metrics().await.sum("tidegate_pushed_module_revision", &[]), 1.0);
    assert_eq!(running.good(), 1);

    // Nothing is pushed anew.
    running.reload(CONFIG).await;
    running.is_live(2).await;
    assert!(running.masks_mail().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_comes_later_and_refuses_what_runs_takes_it_from_nobody() {
    let Some(mut running) = Running::start(CONFIG, "").await else { return };
    running.write_wide();
    running.cluster.pushed("push pii-scrub --config wide.yaml --wait");
    running.is_live(2).await;
    assert!(running.masks_mail().await);

    running.reload(&with_metrics()).await;
    running.is_refused("Refused", "wasm/scrub in metrics refuses what other processors of the module run here").await;
    running.stands("pii-scrub   host-0   2 ", "Refused").await;
    assert!(running.masks_mail().await, "logs are masked as they were");
    let refused = running.client.metrics(metrics()).await.expect_err("nothing passes that the module does not see");
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused}");
    assert_eq!(
        (running.collector.metrics().await.sum("tidegate_pushed_module_revision", &[]), running.good()),
        (2.0, 2)
    );

    running.reload(CONFIG).await;
    running.is_live(2).await;
}
