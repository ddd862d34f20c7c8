//! Modules that are pushed to a real API server while a collector runs; said aloud and left out where there is none to start.

mod clusters;
mod faults;

use std::path::Path;
use std::process::Command;

use host_kubernetes::testing::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::telemetry::{body_of, logs, record};
use crate::harness::{Backend, Client, Collector, eventually, tidegate};

const CONFIG: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  wasm/scrub: { module: pii-scrub, source: kubernetes, limits: { timeout: 5s } }
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
modules:
  cache: '${env:CACHE}'
  grants: { pii-scrub: { reads: [log.body, 'log.attributes[**]'], writes: [log.body, 'log.attributes[**]', log, counters] } }
  kubernetes: { auth_type: kubeConfig, storage: state, pod: host-0 }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [wasm/scrub], exporters: [otlp_grpc] }
";

const SSN: &str = "123-45-6789";
const MAIL: &str = "ada@example.com";

/// A cluster that modules are pushed to, and a folder that they are pushed from.
struct Cluster {
    server: TestServer,
    folder: TempDir,
}

impl Cluster {
    async fn start() -> Option<Cluster> {
        let server = TestServer::start().await?;
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "host-0" },
            "spec": { "containers": [{ "name": "tidegate", "image": "tidegate" }] },
        });
        server.create("/api/v1/namespaces/default/pods", &pod).await;
        let folder = tempfile::tempdir().unwrap();
        for (name, detector) in [("ssn.yaml", "us_ssn"), ("mail.yaml", "email")] {
            write(folder.path(), name, &format!("detectors: {{ {detector}: {{}} }}\nfields: [log.body]\n"));
        }
        Some(Cluster { server, folder })
    }

    /// A collector of this cluster that is being set up.
    fn host(&self, yaml: &str, backend: &Backend) -> crate::harness::Setup {
        let kubeconfig = self.server.kubeconfig().display().to_string();
        Collector::from_yaml(yaml).env("BACKEND", &backend.address()).env("KUBECONFIG", &kubeconfig)
    }

    /// `tidegate module …`: whether it went well, and what it said.
    fn module(&self, line: &str) -> (bool, String) {
        let mut command: Command = tidegate();
        command.current_dir(self.folder.path()).env("KUBECONFIG", self.server.kubeconfig());
        command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/authors"));
        let output = command.arg("module").args(line.split(' ')).output().unwrap();
        let text = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap()).concat();
        (output.status.success(), text)
    }

    fn pushed(&self, line: &str) -> String {
        let (is_done, said) = self.module(line);
        assert!(is_done, "{line}: {said}");
        said
    }

    /// The objects of a kind, by name.
    async fn names(&self, plural: &str, labels: &str) -> Vec<String> {
        let path = format!("/api/v1/namespaces/default/{plural}?labelSelector={labels}");
        let list = self.server.read(&path).await;
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(name).collect()
    }
}

fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).unwrap();
}

/// What becomes of a record with both secrets; none where it is refused.
async fn processed(client: &Client, backend: &Backend, id: &str) -> Option<String> {
    client.logs(logs(vec![record(id, 9, &format!("{id} {SSN} {MAIL}"))])).await.ok()?;
    let arrived = async || {
        let bodies: Vec<String> = backend.log_records().iter().filter_map(body_of).map(str::to_owned).collect();
        bodies.into_iter().find(|body| body.starts_with(&format!("{id} ")))
    };
    Some(eventually("it arrives", arrived).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_pushed_changed_and_undone_while_a_collector_runs() {
    let Some(cluster) = Cluster::start().await else { return };
    let backend = Backend::start().await;
    let collector = cluster.host(CONFIG, &backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    assert_eq!(processed(&client, &backend, "early").await, None, "there is no module yet, and nothing passes it");
    eventually("the pod says what is missing", async || {
        cluster
            .pushed("status")
            .lines()
            .find(|line| line.starts_with("pii-scrub   host-0") && line.contains("Missing"))
            .map(|_| ())
    })
    .await;

    let said = cluster.pushed("push pii-scrub --config ssn.yaml --wait");
    assert!(said.contains("Live on all 1 hosts") && said.contains("pii-scrub revision 1 sha256:"), "{said}");
    let body = processed(&client, &backend, "one").await.unwrap();
    assert!(!body.contains(SSN) && body.contains(MAIL), "{body}");

    let seen = collector.log.len();
    cluster.pushed("push pii-scrub --config mail.yaml");
    collector.log.wait_for(seen, &["module loaded"]).await;
    let body = processed(&client, &backend, "two").await.unwrap();
    assert!(body.contains(SSN) && !body.contains(MAIL), "{body}");

    let seen = collector.log.len();
    let said = cluster.pushed("undo pii-scrub");
    assert!(said.contains("revision 3"), "{said}");
    collector.log.wait_for(seen, &["module loaded"]).await;
    let body = processed(&client, &backend, "three").await.unwrap();
    assert!(!body.contains(SSN) && body.contains(MAIL), "{body}");
    eventually("the revision is told", async || {
        (collector.metrics().await.sum("tidegate_pushed_module_revision", &[]) == 3.0).then_some(())
    })
    .await;
    eventually("the pod says so", async || {
        let status = cluster.pushed("status");
        status.lines().find(|line| line.starts_with("pii-scrub   host-0   3") && line.contains("Live")).map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_push_waits_for_hosts_too_that_had_nothing_to_say_of_the_module_but_that_it_is_missing() {
    let Some(cluster) = Cluster::start().await else { return };
    let backend = Backend::start().await;
    let _collector = cluster.host(CONFIG, &backend).start().await;
    // A host that does not get any further.
    let said = json!({ "wanted": { "pii-scrub": "nothing was pushed yet" }, "heads": [] });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "host-1", "annotations": { "tidegate.dev/modules": said.to_string() } },
        "spec": { "containers": [{ "name": "tidegate", "image": "tidegate" }] },
    });
    cluster.server.create("/api/v1/namespaces/default/pods", &pod).await;
    let (is_done, said) = cluster.module("push pii-scrub --config ssn.yaml --wait 20s");
    assert!(!is_done && said.contains("1 of 2 hosts have not said so after 20s: host-1"), "{said}");
    assert!(said.contains("Live on host-0"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_labelled_as_another_module_is_deleted_for_that_which_it_was_of() {
    for on_delete in ["keep", "refuse"] {
        let Some(cluster) = Cluster::start().await else { return };
        let backend = Backend::start().await;
        let config = CONFIG.replace("storage: state,", &format!("storage: state, on_delete: {on_delete},"));
        let mut collector = cluster.host(&config, &backend).start().await;
        cluster.pushed("push pii-scrub --config ssn.yaml --wait");
        let other = json!({ "metadata": { "labels": { "tidegate.dev/module": "other" } } });
        cluster.server.patch("/api/v1/namespaces/default/configmaps/pii-scrub", &other).await;
        let client = Client::connect(collector.grpc()).await;
        if on_delete == "refuse" {
            collector.log.wait_for(0, &["was deleted: the module is unloaded"]).await;
            eventually("it is unloaded", async || processed(&client, &backend, "one").await.is_none().then_some(()))
                .await;
            eventually("the pod says so", async || cluster.pushed("status").contains("Missing").then_some(())).await;
            continue;
        }
        collector.log.wait_for(0, &["was deleted: the module runs on"]).await;
        let body = processed(&client, &backend, "one").await.unwrap();
        assert!(!body.contains(SSN), "{body}");
        // It runs, and so it is told of, after a restart as well.
        collector.kill_and_restart().await;
        let client = Client::connect(collector.grpc()).await;
        let body = processed(&client, &backend, "two").await.unwrap();
        assert!(!body.contains(SSN), "{body}");
        eventually("the pod says so", async || {
            let status = cluster.pushed("status");
            status.lines().find(|line| line.starts_with("pii-scrub   host-0   1") && line.contains("Live")).map(|_| ())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_that_is_named_is_what_is_pushed_to() {
    let Some(cluster) = Cluster::start().await else { return };
    // Another one is current, at which there is nobody.
    let mut kubeconfig: Value =
        serde_json::from_str(&std::fs::read_to_string(cluster.server.kubeconfig()).unwrap()).unwrap();
    kubeconfig["clusters"].as_array_mut().unwrap().push(json!({
        "name": "nobody", "cluster": { "server": "https://127.0.0.1:9" },
    }));
    kubeconfig["contexts"].as_array_mut().unwrap().push(json!({
        "name": "nobody", "context": { "cluster": "nobody", "user": "u" },
    }));
    kubeconfig["current-context"] = json!("nobody");
    write(cluster.folder.path(), "contexts", &kubeconfig.to_string());
    let module = |line: &str| {
        let mut command: Command = tidegate();
        command.current_dir(cluster.folder.path()).env("KUBECONFIG", "contexts");
        command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/authors"));
        let output = command.arg("module").args(line.split(' ')).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (is_done, said) = module("push pii-scrub --config ssn.yaml --context c");
    assert!(is_done, "{said}");
    assert_eq!(cluster.names("configmaps", "tidegate.dev/module").await, ["pii-scrub"]);
    assert!(!module("undo pii-scrub").0, "nobody is there");
    let (is_done, said) = module("undo pii-scrub --context nowhere");
    assert!(!is_done && said.contains("cannot ask the cluster"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_that_watches_prints_what_changes_and_nothing_twice() {
    let Some(cluster) = Cluster::start().await else { return };
    let path = "/api/v1/namespaces/default/pods/host-0";
    let says = async |wanted: Value, heads: Value| {
        let said = json!({ "wanted": wanted, "heads": heads }).to_string();
        cluster.server.patch(path, &json!({ "metadata": { "annotations": { "tidegate.dev/modules": said } } })).await;
    };
    let head = |state: &str| json!([{ "head": "pii-scrub", "revision": 1, "digest": "d0831c5876ab", "manifest": "d0831c5876ab", "state": state }]);
    says(json!({ "pii-scrub": "nothing was pushed yet" }), json!([])).await;
    let file = cluster.folder.path().join("told");
    let mut command: Command = tidegate();
    command.env("KUBECONFIG", cluster.server.kubeconfig()).args(["module", "status", "--watch"]);
    let mut watching = command.stdout(std::fs::File::create(&file).unwrap()).spawn().unwrap();
    let told = || std::fs::read_to_string(&file).unwrap();
    for state in ["Missing", "Compiling", "Live"] {
        if state != "Missing" {
            says(json!({ "pii-scrub": "" }), head(state)).await;
        }
        eventually(&format!("it prints {state}"), async || told().contains(state).then_some(())).await;
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
    let lines = |state: &str| told().lines().filter(|line| line.contains(state)).count();
    assert_eq!(["Missing", "Compiling", "Live"].map(lines), [1, 1, 1], "{}", told());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_good_last_runs_after_a_restart_without_the_api_server_and_a_new_host_refuses() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let backend = Backend::start().await;
    let mut collector = cluster.host(CONFIG, &backend).start().await;
    cluster.pushed("push pii-scrub --config ssn.yaml --wait");
    cluster.server.stop();
    let seen = collector.log.len();
    collector.log.wait_for(seen, &["not heard of at present"]).await;
    collector.kill_and_restart().await;
    let client = Client::connect(collector.grpc()).await;
    let body = processed(&client, &backend, "alone").await.unwrap();
    assert!(!body.contains(SSN), "{body}");

    let fresh = cluster.host(CONFIG, &backend).start().await;
    let client = Client::connect(fresh.grpc()).await;
    assert_eq!(processed(&client, &backend, "fresh").await, None, "nothing is there, and nothing passes");

    cluster.server.start_again().await;
    cluster.pushed("push pii-scrub --config mail.yaml");
    for host in [&collector, &fresh] {
        host.log.wait_for(0, &["was fetched", "revision=2"]).await;
        let client = Client::connect(host.grpc()).await;
        let mut asked = 0;
        let is_new = async || {
            asked += 1;
            let body = processed(&client, &backend, &format!("again-{}-{asked}", host.id())).await?;
            (!body.contains(MAIL)).then_some(())
        };
        eventually("the new rule is live", is_new).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_disk_any_more_is_passed_by_nothing_and_fetched_again() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let backend = Backend::start().await;
    let config = CONFIG.replace("source: kubernetes,", "source: kubernetes, if_missing: pass,");
    let mut collector = cluster.host(&config, &backend).start().await;
    cluster.pushed("push pii-scrub --config ssn.yaml --wait");
    cluster.server.stop();
    std::fs::remove_dir_all(collector.path("state/components")).unwrap();
    collector.kill_and_restart().await;
    let client = Client::connect(collector.grpc()).await;
    assert_eq!(processed(&client, &backend, "without").await, None, "it was scrubbed before, and does not pass now");

    let seen = collector.log.len();
    cluster.server.start_again().await;
    collector.log.wait_for(seen, &["module loaded", "head=\"pii-scrub\""]).await;
    let body = processed(&client, &backend, "again").await.unwrap();
    assert!(!body.contains(SSN), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_no_revision_needs_are_removed_and_what_is_tried_is_not_done() {
    let Some(cluster) = Cluster::start().await else { return };
    let said = cluster.pushed("push pii-scrub --config ssn.yaml --dry-run");
    assert!(said.contains("revision 1"), "{said}");
    assert_eq!(cluster.names("configmaps", "tidegate.dev/module").await, [""; 0], "nothing was done");
    for clusters in ["a", "b", "c", "d", "e"] {
        cluster.pushed(&format!("push pii-scrub --config ssn.yaml --clusters {clusters}"));
    }
    assert_eq!(cluster.names("configmaps", "tidegate.dev/module=pii-scrub").await, ["pii-scrub"]);
    assert_eq!(cluster.names("configmaps", "tidegate.dev/former=pii-scrub").await, ["pii-scrub-r3", "pii-scrub-r4"]);
    let (is_done, said) = cluster.module("push pii-scrub --revision 2");
    assert!(!is_done && said.contains("not above 5"), "{said}");
    let said = cluster.pushed("undo pii-scrub");
    assert!(said.contains("pii-scrub is what revision 4 was, as revision 6"), "{said}");
    let said = cluster.pushed("undo pii-scrub");
    assert!(said.contains("pii-scrub is what revision 3 was, as revision 7"), "{said}");
    let (is_done, said) = cluster.module("undo pii-scrub");
    assert!(!is_done && said.contains("nothing before revision 3") && said.contains("kept are: 6, 5"), "{said}");
    let said = cluster.pushed("undo pii-scrub --to 5");
    assert!(said.contains("pii-scrub is what revision 5 was, as revision 8"), "{said}");
    let (is_done, said) = cluster.module("undo nothing");
    assert!(!is_done && said.contains("nothing of that name was pushed"), "{said}");
    let (is_done, said) = cluster.module(&format!("push pii-scrub --head {}", "h".repeat(64)));
    assert!(!is_done && said.contains("is no name for a head: choose one of up to 63"), "{said}");
    // Whoever pushes another module under the same head would take its place.
    let (is_done, said) = cluster.module("push pii-scrub --config ssn.yaml --name other --head pii-scrub");
    assert!(!is_done && said.contains("is of the module"), "{said}");
}
