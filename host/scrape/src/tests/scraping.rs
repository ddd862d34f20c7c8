//! What a target is asked, and what is made of what it answers.

use super::harness::{Reply, Running, Server, gzip, job, scraping};
use crate::testing::{own, value};

#[tokio::test]
async fn asks_for_what_it_can_read_over_one_connection() {
    let server = Server::exposing("a 1\n").await;
    let mut running =
        Running::start(&scraping(&server, "scrape_timeout: 90ms, params: {x: ['1 2']}, metrics_path: /m"));
    for _ in 0..3 {
        assert_eq!(own(&running.next().await), ["a gauge {} 1"]);
    }
    running.stop().await;
    let asked = server.asked();
    assert_eq!(asked[0].uri, "/m?x=1+2");
    let header = |name: &str| asked[0].headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("accept"),
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
         application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
         text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    );
    assert_eq!(
        (header("accept-encoding"), header("x-prometheus-scrape-timeout-seconds")),
        ("gzip".into(), "0.09".into())
    );
    assert!(header("user-agent").starts_with("tidegate/"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn unpacks_gzip_and_reads_open_metrics_by_its_type() {
    let server = Server::start(|_, _| {
        let text = "# TYPE r counter\nr_total 2\nr_created 1\n# EOF\n";
        let reply = Reply { body: gzip(text), ..Reply::text("") };
        reply.with("content-encoding", "gzip").with("content-type", "application/openmetrics-text; version=1.0.0")
    })
    .await;
    let mut running = Running::start(&scraping(&server, ""));
    assert_eq!(own(&running.next().await), ["r_total counter {} 2 since 1000"]);
    running.stop().await;
}

#[tokio::test]
async fn reads_what_does_not_say_what_it_is_as_text() {
    let server = Server::start(|_, _| Reply::text("a 1\n").with("content-type", "application/octet-stream")).await;
    let mut running = Running::start(&scraping(&server, ""));
    assert_eq!(own(&running.next().await), ["a gauge {} 1"]);
    running.stop().await;
}

#[tokio::test]
async fn a_target_that_fails_is_down_and_what_it_exposed_is_gone() {
    let replies = [
        Reply::status(503),
        Reply::text("a x\n"),
        Reply::text("a 1\nb 1\nc 1\n"),
        Reply::text(&"a".repeat(5_000)),
        Reply { body: b"\xff 1\n".to_vec(), ..Reply::text("") },
        Reply::text("").with("content-encoding", "br"),
        Reply { is_silent: true, ..Reply::text("") },
    ];
    for reply in replies {
        let server = Server::start(move |_, asked| if asked == 1 { reply.clone() } else { Reply::text("a 1\n") }).await;
        let mut running =
            Running::start(&scraping(&server, "sample_limit: 2, body_size_limit: 4KB, scrape_timeout: 100ms"));
        assert_eq!(value(&running.next().await, "up"), 1.0);
        let failed = running.next().await;
        assert_eq!((value(&failed, "up"), own(&failed)), (0.0, vec!["a gauge {} gone".to_owned()]));
        let again = running.next().await;
        assert_eq!((value(&again, "up"), own(&again)), (1.0, vec!["a gauge {} 1".to_owned()]));
        assert_eq!(running.metrics.total("tidegate_prometheus_receiver_failed_scrapes"), 1);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_target_that_is_not_there_is_down() {
    let mut running = Running::start(&job("static_configs: [{targets: ['127.0.0.1:1']}]"));
    assert_eq!(value(&running.next().await, "up"), 0.0);
    running.stop().await;
}

#[tokio::test]
async fn an_unpacked_body_counts_for_its_limit() {
    let text = "# ".to_owned() + &"x".repeat(1 << 20) + "\na 1\n";
    let packed = gzip(&text);
    let server =
        Server::start(move |_, _| Reply { body: packed.clone(), ..Reply::text("") }.with("content-encoding", "gzip"))
            .await;
    let mut running = Running::start(&scraping(&server, "body_size_limit: 1MB"));
    assert_eq!(value(&running.next().await, "up"), 0.0);
    running.stop().await;
    let mut running = Running::within(&scraping(&server, ""), Vec::new(), 512 << 10);
    assert_eq!(value(&running.next().await, "up"), 0.0, "there is no room for it");
    running.stop().await;
    let mut running = Running::start(&scraping(&server, "body_size_limit: 2MB"));
    assert_eq!(value(&running.next().await, "up"), 1.0);
    running.stop().await;
}

#[tokio::test]
async fn shows_who_asks_and_to_nobody_else() {
    let other = Server::exposing("other 1\n").await;
    let to = format!("http://{}/x", other.address);
    let server = Server::start(move |asked, _| match asked.uri.path() {
        "/metrics" => Reply::status(302).with("location", "/moved"),
        "/moved" => Reply::status(307).with("location", to.clone()),
        path => panic!("{path}"),
    })
    .await;
    let keys = "basic_auth: {username: user, password: pass}, http_headers: {x-own: {values: [v], secrets: [s]}}";
    let mut running = Running::start(&scraping(&server, keys));
    assert_eq!(own(&running.next().await), ["other gauge {} 1"]);
    running.stop().await;
    for asked in &server.asked()[..2] {
        assert_eq!(asked.headers["authorization"], "Basic dXNlcjpwYXNz");
        assert_eq!(asked.headers.get_all("x-own").iter().collect::<Vec<_>>(), ["v", "s"]);
    }
    let asked = &other.asked()[0];
    assert!(!asked.headers.contains_key("authorization") && !asked.headers.contains_key("x-own"));
    let mut running = Running::start(&scraping(&server, "follow_redirects: false"));
    assert_eq!(value(&running.next().await, "up"), 0.0);
    running.stop().await;
}

#[tokio::test]
async fn a_token_is_read_anew_when_its_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "one\n").unwrap();
    let server = Server::exposing("a 1\n").await;
    let keys = format!("authorization: {{type: Token, credentials_file: '{}'}}", file.display());
    let mut running = Running::start(&scraping(&server, &keys));
    running.next().await;
    assert_eq!(server.asked()[0].headers["authorization"], "Token one");
    std::fs::write(&file, "two\n").unwrap();
    running.until(|_| server.asked().last().unwrap().headers["authorization"] == "Token two").await;
    running.stop().await;
}

#[tokio::test]
async fn goes_through_a_proxy() {
    let proxy = Server::exposing("a 1\n").await;
    let keys = format!("static_configs: [{{targets: ['far.example:8080']}}], proxy_url: 'http://{}'", proxy.address);
    let mut running = Running::start(&job(&keys));
    assert_eq!(own(&running.next().await), ["a gauge {} 1"]);
    running.stop().await;
    assert_eq!(proxy.asked()[0].uri, "http://far.example:8080/metrics");
    assert_eq!(proxy.asked()[0].headers["host"], "far.example:8080");
    let target = Server::exposing("b 1\n").await;
    let keys = format!("proxy_url: 'http://{}', no_proxy: '127.0.0.1'", proxy.address);
    let mut running = Running::start(&scraping(&target, &keys));
    assert_eq!(own(&running.next().await), ["b gauge {} 1"]);
    running.stop().await;
}

#[tokio::test]
async fn a_job_with_too_many_targets_has_all_of_them_down() {
    let keys = "target_limit: 1, static_configs: [{targets: ['a:1', 'b:1']}]";
    let mut running = Running::start(&job(keys));
    for _ in 0..2 {
        assert_eq!(value(&running.next().await, "up"), 0.0);
    }
    running.stop().await;
}
