//! Targets as they come and go.

use std::sync::{Arc, Mutex};

use super::harness::{Reply, Running, Server, job};
use crate::testing::{lines, own};

#[tokio::test]
async fn targets_in_a_file_come_and_go() {
    let (one, two) = (Server::exposing("a 1\n").await, Server::exposing("b 1\n").await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("targets.json");
    let write = |targets: &[&str], label: &str| {
        let text = format!("[{{\"targets\": {targets:?}, \"labels\": {{\"env\": \"{label}\"}}}}]");
        let new = folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    write(&[&one.address], "x");
    let keys = format!(
        "file_sd_configs: [{{files: ['{}/*.json']}}], relabel_configs: [{{source_labels: [__meta_filepath], regex: '.*/(.*)', target_label: from}}]",
        folder.path().display()
    );
    let mut running = Running::start(&job(&keys));
    assert_eq!(own(&running.next().await), ["a gauge {env=x,from=targets.json} 1"]);
    write(&[&two.address], "x");
    let gone = running.until(|payload| lines(payload).iter().all(|line| line.ends_with(" gone"))).await;
    assert_eq!(own(&gone), ["a gauge {env=x,from=targets.json} gone"]);
    running.until(|payload| own(payload) == ["b gauge {env=x,from=targets.json} 1"]).await;
    std::fs::write(&file, "[{").unwrap();
    while running.metrics.total("tidegate_prometheus_receiver_discovery_failures") == 0 {
        assert_eq!(own(&running.next().await), ["b gauge {env=x,from=targets.json} 1"]);
    }
    running.until(|payload| own(payload) == ["b gauge {env=x,from=targets.json} 1"]).await;
    running.stop().await;
}

#[tokio::test]
async fn targets_are_up_again_when_there_are_no_more_than_there_may_be() {
    let (one, two) = (Server::exposing("a 1\n").await, Server::exposing("b 1\n").await);
    let folder = tempfile::tempdir().unwrap();
    let write = |targets: &[&str]| {
        let new = folder.path().join("new");
        std::fs::write(&new, format!("[{{\"targets\": {targets:?}}}]")).unwrap();
        std::fs::rename(&new, folder.path().join("targets.json")).unwrap();
    };
    let keys = format!("target_limit: 1, file_sd_configs: [{{files: ['{}/*.json']}}]", folder.path().display());
    write(&[&one.address]);
    let mut running = Running::start(&job(&keys));
    running.until(|payload| own(payload) == ["a gauge {} 1"]).await;
    write(&[&one.address, &two.address]);
    running.until(|payload| lines(payload).iter().any(|line| line.starts_with("up ") && line.ends_with(" 0"))).await;
    write(&[&one.address]);
    running.until(|payload| own(payload) == ["a gauge {} 1"]).await;
    running.stop().await;
}

#[tokio::test]
async fn a_server_tells_targets() {
    let target = Server::exposing("a 1\n").await;
    let told =
        Arc::new(Mutex::new(format!("[{{\"targets\": [\"{}\"], \"labels\": {{\"env\": \"x\"}}}}]", target.address)));
    let tells = Arc::clone(&told);
    let server = Server::start(move |_, asked| match asked {
        0 => Reply::status(500),
        _ => Reply::text(&tells.lock().unwrap()).with("content-type", "application/json; charset=utf-8"),
    })
    .await;
    let keys = format!("http_sd_configs: [{{url: 'http://{}/targets', refresh_interval: 100ms}}]", server.address);
    let mut running = Running::start(&job(&keys));
    assert_eq!(own(&running.next().await), ["a gauge {env=x} 1"]);
    let asked = &server.asked()[0];
    assert_eq!(
        (asked.uri.path(), asked.headers["x-prometheus-refresh-interval-seconds"].to_str().unwrap()),
        ("/targets", "0.1")
    );
    "[]".clone_into(&mut told.lock().unwrap());
    running.until(|payload| own(payload) == ["a gauge {env=x} gone"]).await;
    assert_eq!(running.metrics.total("tidegate_prometheus_receiver_discovery_failures"), 1);
    running.stop().await;
}

#[tokio::test]
async fn the_api_server_of_kubernetes_tells_pods() {
    let target = Server::exposing("a 1\n").await;
    let port = target.address.rsplit_once(':').unwrap().1.to_owned();
    let pod = format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "web-0", "namespace": "shop", "resourceVersion": "7"}},
            "spec": {{"containers": [{{"name": "app", "ports": [{{"containerPort": {port}}}]}}]}},
            "status": {{"podIP": "127.0.0.1"}}}}"#
    );
    let server = Server::start(move |asked, _| {
        let query = asked.uri.query().unwrap_or_default();
        let body = if !query.contains("watch=true") {
            format!(
                r#"{{"apiVersion": "v1", "kind": "PodList", "metadata": {{"resourceVersion": "9"}}, "items": [{pod}]}}"#
            )
        } else if query.contains("resourceVersion=9") {
            let gone = pod.replace("\"7\"", "\"12\"").replace('\n', " ");
            format!(r#"{{"type": "DELETED", "object": {gone}}}"#) + "\n"
        } else {
            return Reply { is_silent: true, ..Reply::text("") };
        };
        Reply::text(&body).with("content-type", "application/json")
    })
    .await;
    let keys = format!(
        "kubernetes_sd_configs: [{{role: pod, api_server: 'http://{}', namespaces: {{names: [shop]}}, \
         selectors: [{{role: pod, label: 'app=web'}}]}}], \
         relabel_configs: [{{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}]",
        server.address
    );
    let mut running = Running::start(&job(&keys));
    assert_eq!(own(&running.next().await), ["a gauge {pod=web-0} 1"]);
    running.until(|payload| own(payload) == ["a gauge {pod=web-0} gone"]).await;
    let asked = server.asked();
    assert_eq!(asked[0].uri.path(), "/api/v1/namespaces/shop/pods");
    assert!(asked[0].uri.query().unwrap().contains("labelSelector=app%3Dweb"), "{}", asked[0].uri);
    running.stop().await;
}

#[tokio::test]
async fn an_allocator_tells_jobs_and_targets() {
    let target = Server::exposing("a 1\n").await;
    let targets = Arc::new(Mutex::new(format!("[{{\"targets\": [\"{}\"]}}]", target.address)));
    let tells = Arc::clone(&targets);
    let allocator = Server::start(move |asked, _| {
        let body = match asked.uri.path() {
            "/scrape_configs" => {
                r#"{"serviceMonitor/shop/web/0": {"job_name": "web", "scrape_interval": "1s", "scrape_timeout": "1s",
                    "consul_sd_configs": [{"server": "x"}], "relabel_configs": [{"target_label": "by", "replacement": "it"}]}}"#
            }
            .to_owned(),
            _ => tells.lock().unwrap().clone(),
        };
        Reply::text(&body).with("content-type", "application/json")
    })
    .await;
    let section = format!(
        "{{initial_scrape_offset: 0s, target_allocator: {{endpoint: 'http://{}', interval: 100ms, collector_id: scraper-0}}}}",
        allocator.address
    );
    let mut running = Running::start(&section);
    assert_eq!(own(&running.next().await), ["a gauge {by=it} 1"]);
    let asked: Vec<String> = allocator.asked().iter().map(|asked| asked.uri.to_string()).collect();
    assert_eq!(
        asked[..2],
        ["/scrape_configs", "/jobs/serviceMonitor%2Fshop%2Fweb%2F0/targets?collector_id=scraper%2D0"]
    );
    "[]".clone_into(&mut targets.lock().unwrap());
    let shown = || {
        running.metrics.render().contains("tidegate_prometheus_receiver_targets{job=\"web\",receiver=\"prometheus\"} 0")
    };
    while !shown() {
        tokio::task::yield_now().await;
    }
    let rest = running.stop().await;
    let is_stale = |payload: &host_component::Payload| lines(payload).iter().any(|line| line.ends_with(" gone"));
    assert!(!rest.iter().any(is_stale), "another replica may have the target now");
}

#[tokio::test]
async fn replicas_share_the_targets_and_no_two_have_the_same() {
    let mut addresses = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..12 {
        let server = Server::exposing("a 1\n").await;
        addresses.push(format!("'{}'", server.address));
        servers.push(server);
    }
    let section = |index: u32| {
        let job = job(&format!("static_configs: [{{targets: [{}]}}]", addresses.join(",")));
        job.replacen('{', &format!("{{sharding: {{shards: 3, index: {index}}}, "), 1)
    };
    let mut replicas: Vec<Running> = (0..3).map(|index| Running::start(&section(index))).collect();
    let shown = |running: &Running, name: &str| {
        let text = running.metrics.render();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
    };
    let mut sum = 0;
    for running in &mut replicas {
        while shown(running, "tidegate_prometheus_receiver_targets")
            + shown(running, "tidegate_prometheus_receiver_targets_elsewhere")
            < 12
        {
            tokio::task::yield_now().await;
        }
        sum += shown(running, "tidegate_prometheus_receiver_targets");
    }
    assert_eq!(sum, 12);
    for running in replicas {
        running.stop().await;
    }
    for server in servers {
        assert!(server.connections() <= 1, "two replicas scrape {}", server.address);
    }
}
