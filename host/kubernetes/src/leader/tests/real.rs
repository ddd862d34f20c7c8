//! Candidates before a real API server; said aloud and left out where its binaries are not.

use std::time::Duration;

use host_telemetry::Metrics;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::electing::config;
use crate::leader::{Config, Electors};
use crate::testing::TestServer;

#[tokio::test]
async fn a_real_api_server_has_another_lead_when_the_leader_was_killed() {
    let Some(server) = TestServer::start().await else { return };
    server
        .create(
            "/api/v1/namespaces",
            &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "observability" } }),
        )
        .await;
    let (lease_duration, renew_deadline) = (Duration::from_secs(6), Duration::from_secs(4));
    let config = Config { lease_duration, renew_deadline, ..config() }.at(server.server());
    let killed = Runtime::new().unwrap();
    let first = {
        let config = config.clone();
        let leads = killed.spawn(async move {
            let leads = Electors::default().leadership("k8s_leader_elector", &config, &Metrics::new());
            leads.won().await;
            leads
        });
        leads.await.unwrap()
    };
    let second = Electors::default().leadership("k8s_leader_elector", &config, &Metrics::new());
    assert!(first.is_won() && !second.is_won());
    // Nobody is left who could give the lease up.
    killed.shutdown_background();
    timeout(Duration::from_secs(60), second.won()).await.expect("another leads after a while");
    let lease = server.patch("/apis/coordination.k8s.io/v1/namespaces/observability/leases/tidegate", &json!({})).await;
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
}
