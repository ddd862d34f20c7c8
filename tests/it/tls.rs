//! Encrypted connections: who is let in, who is sent to, and certificates that change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::certificates::{Authority, HUB, Identity};
use crate::harness::{Backend, Client, Collector, Setup, eventually, telemetry};

/// TLS on both protocols, of one file and of text; the hub at the end of a chain.
const HUB_YAML: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:HOST}:4317', max_connections: 8, tls: { cert_file: hub.pem, key_file: hub.pem } }
      http: { endpoint: '${env:HOST}:4318', tls: { cert_pem: '${file:hub.pem}', key_pem: '${file:hub.pem}' } }
exporters: { file: { path: out.jsonl } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";

/// The same, for clients with a certificate only.
const MUTUAL_YAML: &str = "
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: '${env:HOST}:4317'
        tls: { cert_file: hub.pem, key_file: hub.pem, client_ca_file: clients.pem, min_version: '1.3' }
exporters: { file: { path: out.jsonl } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";

/// What stands before a hub.
const EDGE_YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_grpc:
    endpoint: '${env:NEXT}'
    retry_on_failure: { enabled: false }
    tls: { ca_file: ca.pem, cert_file: edge.pem, key_file: edge.pem, server_name_override: hub.test }
service:
  telemetry: { metrics: { address: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc] } }
";

fn one(id: &str) -> ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record(id, 9, "encrypted")])
}

fn hub(identity: &Identity) -> Setup {
    Collector::from_yaml(HUB_YAML).file("hub.pem", identity.bundle())
}

async fn failures(collector: &Collector, reason: &str) -> f64 {
    let reason = format!("reason=\"{reason}\"");
    collector.metrics().await.sum("tidegate_receiver_tls_handshake_failures", &[&reason])
}

/// Sends one request on a connection of its own; whether it was taken.
async fn is_let_in(address: SocketAddr, authority: &str, identity: Option<&Identity>) -> bool {
    match Client::over_tls(address, authority, identity).await {
        Ok(client) => client.logs(one("x")).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn takes_what_comes_encrypted_over_grpc_and_over_http() {
    let authority = Authority::new("authority");
    let collector = hub(&authority.issue(HUB)).start().await;
    let client = Client::over_tls(collector.grpc(), &authority.pem, None).await.unwrap();
    client.logs(one("over-grpc")).await.unwrap();

    let mut stream = authority.connect(collector.http(), &[b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let body = one("over-http").encode_to_vec();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let taken = collector.read("out.jsonl");
    assert!(taken.contains("over-grpc") && taken.contains("over-http"), "{taken}");
}

#[tokio::test]
async fn lets_in_only_clients_with_a_valid_certificate_of_the_authority_that_it_names() {
    let (authority, strangers) = (Authority::new("clients and hub"), Authority::new("strangers"));
    let setup = Collector::from_yaml(MUTUAL_YAML).file("hub.pem", authority.issue(HUB).bundle());
    let collector = setup.file("clients.pem", &authority.pem).start().await;
    let address = collector.grpc();
    assert!(is_let_in(address, &authority.pem, Some(&authority.issue("edge.test"))).await);
    assert!(!is_let_in(address, &authority.pem, None).await, "without a certificate");
    // Of the failures that follow one another no more than the first has a line of its own.
    collector.log.wait_for(0, &["TLS handshake failed", "no_certificate"]).await;
    assert!(!is_let_in(address, &authority.pem, Some(&strangers.issue("edge.test"))).await, "of another authority");
    assert!(!is_let_in(address, &authority.pem, Some(&authority.expired("edge.test"))).await, "an expired one");
    let early = authority.not_yet_valid("edge.test");
    assert!(!is_let_in(address, &authority.pem, Some(&early)).await, "one of a time to come");
    assert_eq!(collector.read("out.jsonl").lines().count(), 1);
    // A client may try more than once.
    assert!(failures(&collector, "no_certificate").await >= 1.0);
    assert!(failures(&collector, "bad_certificate").await >= 3.0);
}

#[tokio::test]
async fn plain_text_at_an_encrypted_port_is_counted_and_harms_nobody() {
    let authority = Authority::new("authority");
    let collector = hub(&authority.issue(HUB)).start().await;
    let before = Client::over_tls(collector.grpc(), &authority.pem, None).await.unwrap();
    let mut stream = TcpStream::connect(collector.grpc()).await.unwrap();
    stream.write_all(b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    eventually("it is counted", async || (failures(&collector, "plain_text").await == 1.0).then_some(())).await;
    before.logs(one("before")).await.unwrap();
    assert!(is_let_in(collector.grpc(), &authority.pem, None).await);
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_takes_a_place_among_the_connections() {
    let authority = Authority::new("authority");
    let collector = hub(&authority.issue(HUB)).start().await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(collector.grpc()).await.unwrap());
    }
    assert!(!is_let_in(collector.grpc(), &authority.pem, None).await);
    drop(silent);
    eventually("there is room again", async || is_let_in(collector.grpc(), &authority.pem, None).await.then_some(()))
        .await;
}

#[tokio::test]
async fn passes_on_through_a_chain_in_which_each_side_knows_the_other() {
    let authority = Authority::new("authority");
    let mutual = Collector::from_yaml(MUTUAL_YAML).file("hub.pem", authority.issue(HUB).bundle());
    let hub = mutual.file("clients.pem", &authority.pem).start().await;
    let edge = Collector::from_yaml(EDGE_YAML).file("edge.pem", authority.issue("edge.test").bundle());
    let edge = edge.file("ca.pem", &authority.pem).env("NEXT", &hub.grpc()).start().await;
    Client::connect(edge.grpc()).await.logs(one("through-both")).await.unwrap();
    assert!(hub.read("out.jsonl").contains("through-both"));
}

/// What stands before a hub and speaks HTTP to it.
const HTTP_EDGE_YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_http:
    endpoint: 'https://${env:NEXT}'
    retry_on_failure: { enabled: false }
    tls: { ca_file: ca.pem, server_name_override: hub.test }
service:
  telemetry: { metrics: { address: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
";

#[tokio::test]
async fn passes_on_over_https_to_who_shows_the_right_certificate_and_to_nobody_else() {
    let (authority, strangers) = (Authority::new("authority"), Authority::new("strangers"));
    for (trusted, is_taken) in [(&authority, true), (&strangers, false)] {
        let hub = hub(&authority.issue(HUB)).start().await;
        let edge = Collector::from_yaml(HTTP_EDGE_YAML).file("ca.pem", &trusted.pem);
        let edge = edge.env("NEXT", &hub.http()).start().await;
        let client = Client::connect(edge.grpc()).await;
        for id in ["first", "second"] {
            let sent = client.logs(one(id)).await;
            assert_eq!(sent.is_ok(), is_taken, "{sent:?}");
            assert_eq!(hub.read("out.jsonl").contains(id), is_taken);
        }
    }
}

#[tokio::test]
async fn sends_nothing_to_a_next_hop_that_is_not_who_it_should_be() {
    let (authority, strangers) = (Authority::new("authority"), Authority::new("strangers"));
    for (identity, why) in [
        (strangers.issue(HUB), "unknownissuer"),
        (authority.expired(HUB), "expired"),
        (authority.not_yet_valid(HUB), "not valid yet"),
        (authority.issue("somebody.test"), "not valid for name"),
    ] {
        let hub = hub(&identity).start().await;
        let edge = Collector::from_yaml(EDGE_YAML).file("edge.pem", authority.issue("edge.test").bundle());
        let edge = edge.file("ca.pem", &authority.pem).env("NEXT", &hub.grpc()).start().await;
        let refused = Client::connect(edge.grpc()).await.logs(one("x")).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
        assert!(refused.message().to_lowercase().contains(why), "{refused:?}");
        assert_eq!(hub.read("out.jsonl"), "");
        eventually("the hub counts it", async || (failures(&hub, "peer_refused").await >= 1.0).then_some(())).await;
    }
}

#[tokio::test]
async fn an_exporter_encrypts_unless_it_is_told_otherwise() {
    let backend = Backend::start().await;
    let edge = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters: { otlp_grpc: { endpoint: '${env:NEXT}', retry_on_failure: { enabled: false }, tls: { ca_file: ca.pem } } }
service:
  telemetry: { metrics: { address: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc] } }
";
    let edge = Collector::from_yaml(edge).file("ca.pem", Authority::new("authority").pem);
    let edge = edge.env("NEXT", &format!("http://{}", backend.address())).start().await;
    let refused = Client::connect(edge.grpc()).await.logs(one("x")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("the TLS handshake failed"), "{refused:?}");
    assert_eq!(backend.log_records().len(), 0);
}

#[tokio::test]
async fn a_changed_certificate_is_shown_to_whoever_comes_and_a_broken_one_is_not() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    // Of the files alone: a reference to one is a piece of the configuration, which would be read again.
    let by_files: String =
        HUB_YAML.lines().filter(|line| !line.contains("${file:")).map(|line| format!("{line}\n")).collect();
    let setup = Collector::from_yaml(&by_files).file("hub.pem", old.issue(HUB).bundle());
    let collector = setup.start().await;
    let from_before = Client::over_tls(collector.grpc(), &old.pem, None).await.unwrap();
    from_before.logs(one("before")).await.unwrap();
    assert!(!is_let_in(collector.grpc(), &new.pem, None).await);

    collector.replace("hub.pem", new.issue(HUB).bundle());
    eventually("the new certificate is shown", async || {
        is_let_in(collector.grpc(), &new.pem, None).await.then_some(())
    })
    .await;
    from_before.logs(one("after")).await.unwrap();
    assert!(!is_let_in(collector.grpc(), &old.pem, None).await);

    collector.overwrite("hub.pem", "half of a certif");
    let line = eventually("the broken file is told", async || {
        assert!(is_let_in(collector.grpc(), &new.pem, None).await, "what was there stays");
        collector.log.having(0, &["changed files cannot be used"]).pop()
    });
    assert!(line.await.contains("cert_file"));
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("tidegate_reloads", &["what=\"tls\""]), 1.0);
    assert_eq!(metrics.sum("tidegate_reload_failures", &["what=\"tls\""]), 1.0);
}

/// Waits for more records that are taken.
async fn flows(taken: &AtomicU64) {
    let before = taken.load(Ordering::Relaxed);
    eventually("records flow", async || (taken.load(Ordering::Relaxed) > before + 5).then_some(())).await;
}

#[tokio::test]
async fn one_authority_takes_the_place_of_another_on_both_sides_while_records_flow() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let both = format!("{}{}", old.pem, new.pem);
    let mutual = MUTUAL_YAML.replace("min_version", "reload_interval: 100ms, min_version");
    let setup = Collector::from_yaml(&mutual).file("hub.pem", old.issue(HUB).bundle());
    let hub = setup.file("clients.pem", &old.pem).start().await;
    let yaml = EDGE_YAML.replace("server_name", "reload_interval: 100ms, server_name");
    let setup = Collector::from_yaml(&yaml).file("edge.pem", old.issue("edge.test").bundle());
    let edge = setup.file("ca.pem", &old.pem).env("NEXT", &hub.grpc()).start().await;

    let (taken, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, told) = (Arc::clone(&taken), Arc::clone(&ends));
    let client = Client::connect(edge.grpc()).await;
    let sender = tokio::spawn(async move {
        while !told.load(Ordering::Relaxed) {
            let number = counted.load(Ordering::Relaxed);
            // What is refused is sent again, as senders do.
            if client.logs(one(&format!("number-{number}-"))).await.is_ok() {
                counted.store(number + 1, Ordering::Relaxed);
            }
        }
    });
    let steps: [(&Collector, &str, String); 6] = [
        (&hub, "clients.pem", both.clone()),
        (&edge, "ca.pem", both),
        (&edge, "edge.pem", new.issue("edge.test").bundle()),
        (&hub, "hub.pem", new.issue(HUB).bundle()),
        (&hub, "clients.pem", new.pem.clone()),
        (&edge, "ca.pem", new.pem.clone()),
    ];
    for (collector, file, content) in steps {
        collector.replace(file, content);
        flows(&taken).await;
    }
    let stale = old.issue("edge.test");
    eventually("the old authority's word is good no more", async || {
        (!is_let_in(hub.grpc(), &new.pem, Some(&stale)).await
            && is_let_in(hub.grpc(), &new.pem, Some(&new.issue("edge.test"))).await)
            .then_some(())
    })
    .await;
    flows(&taken).await;
    ends.store(true, Ordering::Relaxed);
    sender.await.unwrap();
    let arrived = hub.read("out.jsonl");
    for number in 0..taken.load(Ordering::Relaxed) {
        assert!(arrived.contains(&format!("number-{number}-")), "{number} was taken, and is lost");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_named_by_validate_and_at_the_start() {
    let authority = Authority::new("authority");
    let identity = authority.issue(HUB);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (key, why) in [
        (None, "the file cannot be read"),
        (Some(encrypted.to_owned()), "encrypted"),
        (Some(authority.issue(HUB).key), "not the one of the certificate"),
        (Some("nothing\n".to_owned()), "no private key"),
    ] {
        let setup = || {
            let yaml = HUB_YAML.replace("key_file: hub.pem", "key_file: secret/key.pem");
            let setup = Collector::from_yaml(&yaml).file("hub.pem", identity.bundle());
            match &key {
                Some(key) => setup.file("secret/key.pem", key),
                None => setup,
            }
        };
        let (valid, text) = setup().validate();
        assert!(!valid, "{text}");
        let told = |text: &str| {
            text.lines().any(|line| {
                let parts = ["protocols.grpc.tls.key_file", "secret/key.pem", why];
                line.starts_with("tidegate.yaml:5:") && parts.iter().all(|part| line.contains(part))
            })
        };
        assert!(told(&text), "{why} in:\n{text}");
        let (status, log) = setup().fails().await;
        assert!(!status.success() && told(&log), "{why} in:\n{log}");
    }
}

#[test]
fn validate_names_what_cannot_be_agreed_on() {
    let yaml = "
receivers:
  otlp:
    protocols:
      grpc:
        tls: { cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA], min_version: '1.3', max_version: '1.2' }
      http:
        tls: { ca_file: clients.pem }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(!valid, "{text}");
    for part in [
        "protocols.grpc.tls.max_version: it is lower than min_version",
        "protocols.grpc.tls.cert_file: it is missing",
        "protocols.http.tls.key_file: it is missing",
        "protocols.http.tls.ca_file: whoever listens does nothing with it: write `client_ca_file`",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}

#[test]
fn validate_takes_no_empty_section_that_guards_a_port_for_one_that_is_not_there() {
    let yaml = "
receivers:
  otlp: { protocols: { grpc: { tls: }, http: { tls: {}, auth: } } }
exporters:
  otlp_grpc: { endpoint: 'hub:4317', auth: }
  otlp_http: { endpoint: 'https://hub', auth: {} }
service: { pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc, otlp_http] } } }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(!valid, "{text}");
    for part in [
        "protocols.grpc.tls.cert_file: it is missing",
        "protocols.http.tls.cert_file: it is missing",
        "receivers.otlp.protocols.http.auth.authenticator: it is missing",
        "exporters.otlp_grpc.auth.authenticator: it is missing",
        "exporters.otlp_http.auth.authenticator: it is missing",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}
