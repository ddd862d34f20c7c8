//! The endpoint of the collector's own metrics and pages: where it listens, and who may ask it.

use std::process::{Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::certificates::{Authority, HUB, Identity};
use crate::harness::{Client, Collector, Log, Setup, eventually, telemetry, tidegate};

const METRICS: &str = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";

/// What is served, and to whom, stands for `METRICS`.
fn setup(metrics: &str) -> Setup {
    Collector::from_yaml(
        &"
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters: { file: { path: out.jsonl } }
extensions:
  bearertokenauth: { filename: token }
  basicauth: { htpasswd: { inline: 'ann:sesame' } }
  headers_setter: { headers: [{ key: X-A, value: b }] }
service:
  extensions: [bearertokenauth, basicauth, headers_setter]
  telemetry: { metrics: METRICS }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
"
        .replace("METRICS", metrics),
    )
}

fn guarded() -> Setup {
    let metrics = "{ address: '${env:HOST}:8888', auth: { authenticator: bearertokenauth } }";
    setup(metrics).file("token", "sesame # of the scraper\n")
}

fn encrypted(authority: &Authority) -> Setup {
    let tls = "{ cert_file: hub.pem, key_file: hub.pem, client_ca_file: ca.pem }";
    let metrics = format!("{{ readers: [{READER}], tls: {tls} }}");
    let setup = setup(&metrics).file("token", "sesame").file("ca.pem", &authority.pem);
    setup.file("hub.pem", authority.issue(HUB).bundle())
}

const READER: &str = "{ pull: { exporter: { prometheus: { host: '${env:HOST}', port: 8888 } } } }";

async fn answer(collector: &Collector, path: &str, token: &str) -> String {
    let header = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    collector.raw(8888, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n")).await
}

/// What `/metrics` answers over TLS; nothing where no answer came.
async fn over_tls(collector: &Collector, authority: &Authority, identity: Option<&Identity>) -> Option<String> {
    let mut stream = authority.connect_as(identity, collector.metrics_address(), &[b"http/1.1"]).await;
    stream.write_all(format!("{METRICS}\r\n").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}

async fn is_answered_in_the_clear(collector: &Collector) -> bool {
    let mut stream = TcpStream::connect(collector.metrics_address()).await.unwrap();
    let mut answer = Vec::new();
    // Whoever wants a handshake may end the connection before all of it is written.
    let _ = stream.write_all(format!("{METRICS}\r\n").as_bytes()).await;
    let _ = stream.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1")
}

/// Runs `tidegate tap` until it ends by itself.
fn tap(collector: &Collector, args: &[&str]) -> Output {
    let mut command = tidegate();
    command.current_dir(collector.path("")).args(["tap", "logs", "--endpoint"]);
    command.arg(collector.metrics_address().to_string()).args(args).output().unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Whether a tap with these flags shows what is sent.
async fn shows(collector: &Collector, args: &[&str]) {
    let mut command = tidegate();
    command.current_dir(collector.path("")).args(["tap", "logs", "--endpoint"]);
    command.arg(collector.metrics_address().to_string()).args(args);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = Log::follow(child.stdout.take().unwrap());
    let client = Client::connect(collector.grpc()).await;
    eventually("the tap shows a record", async || {
        client.logs(telemetry::logs(vec![telemetry::record("a", 9, "it passes")])).await.unwrap();
        lines.having(0, &["it passes"]).into_iter().next()
    })
    .await;
    let _ = child.kill();
    let _ = child.wait();
}

#[tokio::test]
async fn whoever_has_the_token_is_shown_the_metrics_and_the_pages_and_nobody_else() {
    let collector = guarded().start().await;
    for path in ["/metrics", "/ready", "/debug/pipelines", "/debug/modules", "/debug/tap?pipeline=logs", "/nothing"] {
        for token in ["", "sesam"] {
            let refused = answer(&collector, path, token).await;
            assert!(refused.starts_with("HTTP/1.1 401 "), "{path}: {refused}");
            assert!(refused.contains("www-authenticate: Bearer realm=\"tidegate\""), "{path}: {refused}");
            assert!(!refused.contains("/debug") && !refused.contains("otelcol_"), "{path}: {refused}");
        }
    }
    for (path, part) in [("/metrics", "otelcol_process_uptime"), ("/debug/pipelines", "\"logs\"")] {
        let shown = answer(&collector, path, "sesame").await;
        assert!(shown.starts_with("HTTP/1.1 200 ") && shown.contains(part), "{path}: {shown}");
    }
    let metrics = answer(&collector, "/metrics", "sesame").await;
    assert!(
        metrics.contains("tidegate_endpoint_requests_denied{endpoint=\"service.telemetry.metrics\"} 12"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_token_that_changes_in_its_file_is_asked_for_from_then_on() {
    let collector = guarded().start().await;
    assert!(answer(&collector, "/metrics", "sesame").await.starts_with("HTTP/1.1 200 "));
    collector.replace("token", "rhubarb");
    eventually("the new token is taken", async || {
        answer(&collector, "/metrics", "rhubarb").await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
    assert!(answer(&collector, "/metrics", "sesame").await.starts_with("HTTP/1.1 401 "));
}

#[tokio::test]
async fn whoever_has_a_certificate_is_shown_the_metrics_and_nobody_else() {
    let authority = Authority::new("metrics");
    let collector = encrypted(&authority).start().await;
    let ready = collector.log.having(0, &["ready"]).remove(0);
    assert!(ready.contains("https://"), "{ready}");
    let scraper = authority.issue("scraper.test");
    let shown = over_tls(&collector, &authority, Some(&scraper)).await.unwrap();
    assert!(shown.starts_with("HTTP/1.1 200 ") && shown.contains("otelcol_process_uptime"), "{shown}");
    assert_eq!(over_tls(&collector, &authority, None).await, None);
    collector.log.wait_for(0, &["TLS handshake failed", "no_certificate"]).await;
    assert!(!is_answered_in_the_clear(&collector).await);
    eventually("both are counted", async || {
        let metrics = over_tls(&collector, &authority, Some(&scraper)).await.unwrap();
        let counted = |reason: &str| {
            let labels = format!("{{endpoint=\"service.telemetry.metrics\",reason=\"{reason}\"}} 1\n");
            metrics.contains(&format!("tidegate_endpoint_tls_handshake_failures{labels}"))
        };
        (counted("no_certificate") && counted("plain_text")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_tap_shows_who_asks() {
    let collector = guarded().start().await;
    let refused = complaint(&tap(&collector, &[]));
    assert!(refused.contains("missing or empty authorization header") && refused.contains("--token-file"), "{refused}");
    shows(&collector, &["--token-file", "token"]).await;

    let authority = Authority::new("metrics");
    let operator = authority.issue("operator.test").bundle();
    let collector = encrypted(&authority).file("operator.pem", operator).start().await;
    let refused = complaint(&tap(&collector, &[]));
    assert!(refused.contains("--ca-file"), "{refused}");
    let refused = complaint(&tap(&collector, &["--ca-file", "ca.pem", "--server-name", HUB]));
    assert!(refused.contains("--cert-file"), "{refused}");
    let refused = complaint(&tap(&collector, &["--ca-file", "ca.pem"]));
    assert!(refused.contains("not valid for name"), "{refused}");
    let identity = ["--cert-file", "operator.pem", "--key-file", "operator.pem"];
    let known = ["--ca-file", "ca.pem", "--server-name", HUB];
    shows(&collector, &[known, identity].concat()).await;
}

#[tokio::test]
async fn who_may_ask_changes_with_the_configuration_and_the_address_stays() {
    let collector = setup("{ address: '${env:HOST}:8888' }").file("token", "sesame").start().await;
    assert!(answer(&collector, "/metrics", "").await.starts_with("HTTP/1.1 200 "));
    let yaml = collector.read("tidegate.yaml");
    let with = |more: &str| yaml.replace("'${env:HOST}:8888'", &format!("'${{env:HOST}}:8888', {more}"));
    collector.replace("tidegate.yaml", with("auth: { authenticator: bearertokenauth }"));
    collector.log.wait_for(0, &["configuration taken over"]).await;
    assert!(answer(&collector, "/metrics", "").await.starts_with("HTTP/1.1 401 "));
    assert!(answer(&collector, "/metrics", "sesame").await.starts_with("HTTP/1.1 200 "));
    // The section of the extension that it names is another.
    let tokens = with("auth: { authenticator: bearertokenauth }").replace("filename: token", "token: rhubarb");
    collector.replace("tidegate.yaml", &tokens);
    eventually("the other token is taken", async || {
        answer(&collector, "/metrics", "rhubarb").await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
    let authority = Authority::new("metrics");
    collector.replace("hub.pem", authority.issue(HUB).bundle());
    collector.replace("tidegate.yaml", with("tls: { cert_file: hub.pem, key_file: hub.pem }"));
    eventually("it is encrypted", async || (!is_answered_in_the_clear(&collector).await).then_some(())).await;
    let shown = over_tls(&collector, &authority, None).await.unwrap();
    assert!(shown.starts_with("HTTP/1.1 200 "), "{shown}");
    // What cannot be used leaves it as it is.
    collector.replace("tidegate.yaml", with("tls: { cert_file: nowhere.pem, key_file: hub.pem }"));
    collector.log.wait_for(0, &["configuration refused", "service.telemetry.metrics.tls.cert_file"]).await;
    assert!(over_tls(&collector, &authority, None).await.is_some());
}

#[tokio::test]
async fn it_listens_to_this_machine_alone_unless_told_and_tells_where_anybody_reaches_it() {
    let reader =
        |host: &str| format!("{{ readers: [{{ pull: {{ exporter: {{ prometheus: {{ {host}port: 0 }} }} }} }}] }}");
    let collector = setup(&reader("")).file("token", "sesame").start().await;
    let ready = collector.log.having(0, &["ready"]).remove(0);
    assert!(ready.contains("http://127.0.0.1:"), "{ready}");
    assert_eq!(collector.log.having(0, &["anybody who reaches"]), [""; 0]);
    let collector = setup(&reader("host: 0.0.0.0, ")).file("token", "sesame").start().await;
    let told = collector.log.having(0, &["anybody who reaches 0.0.0.0:0 reads the metrics"]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn an_address_that_others_reach_is_told_where_anybody_may_ask() {
    let told = |metrics: &str| setup(metrics).file("token", "sesame").validate();
    for metrics in
        ["{ address: '0.0.0.0:8888' }", "{ readers: [{ pull: { exporter: { prometheus: { host: '::' } } } }] }"]
    {
        let (valid, said) = told(metrics);
        assert!(valid && said.contains("anybody who reaches") && said.contains("(warning)"), "{said}");
    }
    for metrics in ["{}", "{ address: '0.0.0.0:8888', auth: { authenticator: basicauth } }"] {
        let (valid, said) = told(metrics);
        assert!(valid && !said.contains("(warning)"), "{said}");
    }
}

#[test]
fn says_what_is_wrong_with_who_may_ask() {
    for (metrics, part) in [
        ("{ tls: { cert_file: a.pem } }", "service.telemetry.metrics.tls.key_file: it is missing"),
        ("{ tls: { cert_flie: a.pem } }", "did you mean `cert_file`?"),
        ("{ tls: { cert_file: a.pem, key_file: a.pem } }", "service.telemetry.metrics.tls.cert_file: a.pem"),
        (
            "{ auth: { authenticator: headers_setter } }",
            "an endpoint for metrics needs `basicauth` or `bearertokenauth`",
        ),
        ("{ auth: { authenticator: nobody } }", "the extension `nobody` is not defined"),
    ] {
        let (valid, said) = setup(metrics).file("token", "sesame").validate();
        assert!(!valid && said.contains(part), "{metrics}: {said}");
    }
}
