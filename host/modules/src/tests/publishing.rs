//! What a real API server makes of what is published; left out where there is none to start.

use std::collections::BTreeSet;

use host_kubernetes::Api;
use host_kubernetes::testing::TestServer;
use host_manifest::{Fields, Manifest, PrivateKey, PublicKeys, SigningKey, TrustError, cut};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use crate::head::{Rejected, Trust};
use crate::objects::{self, Signed};
use crate::published::history::Revision;
use crate::published::surplus;
use crate::{Publication, PublishError, Published, Publisher, Told};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

struct Cluster {
    server: TestServer,
    api: Api,
}

impl Cluster {
    async fn start() -> Option<Cluster> {
        let server = TestServer::start().await?;
        let api = server.server().api().await.unwrap();
        Some(Cluster { server, api })
    }

    fn publisher<'p>(&'p self, key: Option<&'p SigningKey>) -> Publisher<'p> {
        Publisher { api: &self.api, namespace: "default", key, is_trial: false }
    }

    async fn push(&self, config: &str) -> Published {
        self.publisher(None).push("scrub", "scrub", publication(b"component", config), |_| {}).await.unwrap()
    }

    async fn undo(&self, to: Option<u64>) -> Result<Published, PublishError> {
        self.publisher(None).undo("scrub", to, |_| {}).await
    }

    async fn head(&self) -> Value {
        self.server.read(&format!("{MAPS}/scrub")).await
    }

    /// What is configured at present.
    async fn config(&self) -> String {
        let manifest: Value =
            serde_json::from_str(self.head().await["data"]["manifest.json"].as_str().unwrap()).unwrap();
        manifest["config"].as_str().unwrap().to_owned()
    }

    async fn names(&self, label: &str) -> Vec<String> {
        let list = self.server.read(&format!("{MAPS}?labelSelector={label}")).await;
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(name).collect()
    }
}

fn publication(component: &[u8], config: &str) -> Publication {
    let (component, pieces) = cut("scrub", component).unwrap();
    let fields = Fields::default();
    let (requests, grants, clusters) = (fields.clone(), fields, vec!["*".to_owned()]);
    Publication { component, pieces, config: json!(config), requests, grants, clusters, revision: None }
}

#[tokio::test]
async fn undo_goes_on_back_past_what_is_bad_and_to_what_is_named() {
    let Some(cluster) = Cluster::start().await else { return };
    for config in ["good", "bad", "worse"] {
        cluster.push(config).await;
    }
    let undone = cluster.undo(None).await.unwrap();
    assert_eq!((undone.revision, undone.origin, cluster.config().await), (4, 2, "bad".to_owned()));
    let undone = cluster.undo(None).await.unwrap();
    assert_eq!((undone.revision, undone.origin, cluster.config().await), (5, 1, "good".to_owned()));
    let error = cluster.undo(None).await.unwrap_err().to_string();
    assert!(error.contains("nothing before revision 1") && error.ends_with("kept are: 4, 3"), "{error}");
    assert_eq!(cluster.config().await, "good");
    // What is named is what it was pushed as, or what it is now.
    let undone = cluster.undo(Some(2)).await.unwrap();
    assert_eq!((undone.revision, undone.origin, cluster.config().await), (6, 2, "bad".to_owned()));
    for there in [2, 6] {
        assert!(matches!(cluster.undo(Some(there)).await, Err(PublishError::InForce(_))), "{there}");
    }
    let error = cluster.undo(Some(9)).await.unwrap_err().to_string();
    assert!(error.contains("revision 9 is not kept") && error.contains("kept are: 5"), "{error}");
    // A push says nothing of what was undone before it.
    cluster.push("other").await;
    let undone = cluster.undo(None).await.unwrap();
    assert_eq!((undone.revision, undone.origin, cluster.config().await), (8, 2, "bad".to_owned()));
}

#[tokio::test]
async fn what_somebody_wrote_by_hand_is_taken_for_what_was_pushed_last() {
    let Some(cluster) = Cluster::start().await else { return };
    for config in ["one", "two"] {
        cluster.push(config).await;
    }
    cluster.undo(None).await.unwrap();
    let manifest = cluster.head().await["data"]["manifest.json"].as_str().unwrap().to_owned();
    let manifest = manifest.replace("\"revision\": 3", "\"revision\": 4");
    let other = host_manifest::Digest::of(b"\"by hand\"").to_string();
    let was = host_manifest::Digest::of(b"\"one\"").to_string();
    let manifest = manifest.replace("\"config\": \"one\"", "\"config\": \"by hand\"").replace(&was, &other);
    cluster.server.patch(&format!("{MAPS}/scrub"), &json!({ "data": { "manifest.json": manifest } })).await;
    cluster.undo(None).await.unwrap();
    assert_eq!(cluster.config().await, "two");
}

/// A key that OpenSSL has made.
fn key(folder: &std::path::Path) -> SigningKey {
    let made = std::process::Command::new("openssl")
        .args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"])
        .current_dir(folder)
        .output();
    assert!(made.unwrap().status.success());
    let PrivateKey::Open(key) = PrivateKey::read(&std::fs::read_to_string(folder.join("key.pem")).unwrap()).unwrap()
    else {
        panic!("sealed")
    };
    key
}

#[tokio::test]
async fn what_is_pushed_without_a_key_has_no_signature_of_what_was_there_before() {
    let Some(cluster) = Cluster::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let key = key(folder.path());
    let signed = cluster.publisher(Some(&key));
    let read = async |keys: PublicKeys, is_required| {
        let head = serde_json::from_value(cluster.head().await).unwrap();
        Trust { keys, is_required }
            .read("scrub", "scrub", &Signed::of(&head).unwrap())
            .map(|manifest| manifest.revision)
    };
    // The one that makes the head, and one that takes the place of another.
    for (config, revision) in [("first", 1), ("third", 3)] {
        signed.push("scrub", "scrub", publication(b"component", config), |_| {}).await.unwrap();
        assert_eq!(read(key.public_keys(), true).await.unwrap(), revision);
        cluster.push(&format!("after the {config}")).await;
        assert_eq!(read(key.public_keys(), false).await.unwrap(), revision + 1, "who need not sign may do so");
        let refused = read(key.public_keys(), true).await;
        assert!(matches!(refused, Err(Rejected::Untrusted(TrustError::Unsigned))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_name_that_no_head_may_have_is_refused_before_anything_is_written_and_the_longest_works_each_time() {
    let Some(cluster) = Cluster::start().await else { return };
    let push = async |head: &str, config: &str| {
        cluster.publisher(None).push(head, "scrub", publication(b"component", config), |_| {}).await
    };
    let error = push(&"h".repeat(64), "one").await.unwrap_err().to_string();
    assert!(error.contains("head: a head has a name of up to 63"), "{error}");
    assert_eq!(cluster.names("tidegate.dev/part-of=scrub").await, [""; 0]);
    let longest = "h".repeat(63);
    for config in ["one", "two", "three"] {
        push(&longest, config).await.unwrap();
    }
    cluster.publisher(None).undo(&longest, None, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_push_at_once_one_is_told_that_he_lost_and_nothing_of_the_other_is_lost() {
    let Some(cluster) = Cluster::start().await else { return };
    // To a name where nothing is yet, and to what is there.
    for (there, wins) in [(None, 1), (Some(1), 2)] {
        // The other one is done after it was read what is there, and before the head is written.
        let mut is_overtaken = false;
        let overtaken = |told: Told| {
            if let Told::Part { .. } = told {
                is_overtaken = true;
                let winner = cluster.publisher(None);
                let pushing = winner.push("scrub", "scrub", publication(b"component", "winner"), |_| {});
                let pushing = async { pushing.await.unwrap() };
                let won = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(pushing));
                assert_eq!(won.revision, wins);
            }
        };
        let loser = publication(format!("component of who loses to {wins}").as_bytes(), "loser");
        let lost = cluster.publisher(None).push("scrub", "scrub", loser, overtaken).await;
        assert!(is_overtaken);
        let error = lost.unwrap_err();
        assert!(matches!(error, PublishError::Raced(_)), "{error}");
        assert!(error.to_string().contains("somebody else has pushed \"scrub\" at the same time"), "{error}");
        assert_eq!(cluster.config().await, "winner");
        let manifest: Value =
            serde_json::from_str(cluster.head().await["data"]["manifest.json"].as_str().unwrap()).unwrap();
        assert_eq!(manifest["revision"], wins);
        let parts = cluster.names("tidegate.dev/part-of=scrub").await;
        assert!(parts.contains(&manifest["component"]["parts"][0]["name"].as_str().unwrap().to_owned()), "{parts:?}");
        let formers = cluster.names("tidegate.dev/former=scrub").await;
        assert_eq!(formers.len(), there.map_or(0, |_| 1), "what the winner took the place of is kept: {formers:?}");
        if there.is_none() {
            // What takes its place is another.
            cluster.server.delete(&format!("{MAPS}/scrub")).await;
            cluster.push("before").await;
        }
    }
}

#[test]
fn parts_of_what_another_head_has_been_stay_however_old_they_are() {
    let (component, pieces) = cut("scrub", b"of the other").unwrap();
    let part = &component.parts[0];
    let mut kept = objects::part("scrub", part, &pieces[0]);
    kept.metadata.creation_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    let former = |head: &str| {
        let manifest = Manifest::new(head.to_owned(), "scrub".to_owned(), 1, component.clone(), json!("x"));
        let manifest =
            Signed { manifest: String::from_utf8(manifest.to_bytes().unwrap()).unwrap(), signatures: String::new() };
        let is = Manifest::read(manifest.manifest.as_bytes()).unwrap();
        objects::former(&Revision { name: head.to_owned(), manifest: is, origin: 1 }, &manifest)
    };
    let surplus = |listed: &[ConfigMap]| surplus("scrub", BTreeSet::new(), listed, i64::MAX);
    assert_eq!(surplus(&[kept.clone(), former("scrub-eu")]), [""; 0]);
    assert_eq!(surplus(&[kept.clone(), former("scrub")]), [part.name.clone(), "scrub-r1".to_owned()]);
    let mut unknown = former("scrub-eu");
    unknown.data = None;
    assert_eq!(surplus(&[kept, unknown]), [""; 0], "what it is made of is not known");
}
