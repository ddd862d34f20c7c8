//! Who is speaking: what senders may say by their certificates, through the binary and in each form of OTLP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use host_otlp::wire::put_len;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Status};

use crate::harness::certificates::{Authority, HUB, Identity};
use crate::harness::{Backend, Client, Collector, Setup, eventually, telemetry};

const YAML: &str = "
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: '${env:HOST}:4317'
        tls: { cert_file: hub.pem, key_file: hub.pem, client_ca_file: clients.pem, reload_interval: 100ms }
      http:
        endpoint: '${env:HOST}:4318'
        tls: { cert_file: hub.pem, key_file: hub.pem, client_ca_file: clients.pem, reload_interval: 100ms }
    identity:
      from: [spiffe]
      rules:
        - { match: 'spiffe://e.org/edge/a', clusters: [cluster-a], roles: [edge] }
        - { match: 'spiffe://e.org/wide/*', clusters: ['cluster-*'] }
      deny_file: denied.txt
extensions:
  headers_setter: { headers: [{ key: x-identity, from_context: ':identity' }] }
exporters:
  otlp_grpc: { endpoint: '${env:NEXT}', tls: { insecure: true }, compression: none, auth: { authenticator: headers_setter } }
service:
  extensions: [headers_setter]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_grpc] }
    traces: { receivers: [otlp], exporters: [otlp_grpc] }
    metrics: { receivers: [otlp], exporters: [otlp_grpc] }
";

/// What nobody here may say.
const FOREIGN: &str = "foreign-b";

fn setup(authority: &Authority, backend: &Backend) -> Setup {
    setup_of(YAML, authority, backend)
}

fn setup_of(yaml: &str, authority: &Authority, backend: &Backend) -> Setup {
    Collector::from_yaml(yaml)
        .file("hub.pem", authority.issue(HUB).bundle())
        .file("clients.pem", &authority.pem)
        .file("denied.txt", "# nobody\n")
        .env("NEXT", &backend.address())
}

fn edge(authority: &Authority) -> Identity {
    authority.issue_spiffe("spiffe://e.org/edge/a", SystemTime::now() + Duration::from_secs(3600))
}

/// A request with a resource of each of these clusters, each with a record.
fn of_clusters(clusters: &[&str]) -> ExportLogsServiceRequest {
    let resource = |cluster: &&str| {
        let attributes = vec![telemetry::attribute("cluster.id", telemetry::text(cluster))];
        let log_records = vec![LogRecord { body: Some(telemetry::text("x")), ..LogRecord::default() }];
        ResourceLogs {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }
    };
    ExportLogsServiceRequest { resource_logs: clusters.iter().map(resource).collect() }
}

/// Posts this as `identity`; the status of the answer, and its body.
async fn post(
    (authority, identity, address): (&Authority, &Identity, SocketAddr),
    path: &str,
    media_type: &str,
    body: &[u8],
) -> (u16, Vec<u8>) {
    let mut stream = authority.connect_as(Some(identity), address, &[b"http/1.1"]).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: \
         {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let at = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an answer has a head");
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer[at + 4..].to_vec())
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

#[tokio::test]
async fn of_a_request_that_is_another_clusters_in_part_the_rest_is_taken_and_the_sender_is_told() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let identity = edge(&authority);
    let sender = (&authority, &identity, collector.http());
    let request = of_clusters(&["cluster-a", FOREIGN]);

    let (status, body) = post(sender, "/v1/logs", PROTOBUF, &request.encode_to_vec()).await;
    let partial = ExportLogsServiceResponse::decode(&body[..]).unwrap().partial_success.unwrap();
    assert_eq!((status, partial.rejected_log_records), (200, 1));
    assert!(partial.error_message.contains("spiffe://e.org/edge/a"), "{partial:?}");

    let (status, body) = post(sender, "/v1/logs", JSON, serde_json::to_string(&request).unwrap().as_bytes()).await;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 200);
    assert!(body.contains(r#""rejectedLogRecords":"1""#), "{body}");

    let client = Client::over_tls(collector.grpc(), &authority.pem, Some(&identity)).await.unwrap();
    let partial = client.logs_answered(request).await.unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);

    assert_eq!(backend.log_records().len(), 3);
    let metrics = collector.metrics().await;
    let labels = ["identity=\"spiffe://e.org/edge/a\"", "claimed=\"foreign-b\"", "action=\"refuse\""];
    assert_eq!(metrics.sum("tidegate_identity_violations", &labels), 3.0);
    assert_eq!(metrics.sum("otelcol_receiver_refused_log_records", &[]), 3.0);
    // Behind the receiver it can be told whose data it was.
    let told =
        backend.with(|taken| taken.metadata.iter().all(|headers| headers["x-identity"] == "spiffe://e.org/edge/a"));
    assert!(told);
}

#[tokio::test]
async fn a_request_of_another_cluster_alone_is_refused_for_good_and_so_is_a_stranger() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let stranger = authority.issue_spiffe("spiffe://e.org/other", SystemTime::now() + Duration::from_secs(3600));
    for (identity, cluster) in [(&edge(&authority), FOREIGN), (&stranger, "cluster-a"), (&authority.issue("x"), "x")] {
        let request = of_clusters(&[cluster]);
        let client = Client::over_tls(collector.grpc(), &authority.pem, Some(identity)).await.unwrap();
        assert_eq!(client.logs(request.clone()).await.unwrap_err().code(), Code::PermissionDenied);
        let sender = (&authority, identity, collector.http());
        assert_eq!(post(sender, "/v1/logs", PROTOBUF, &request.encode_to_vec()).await.0, 403);
    }
    assert_eq!(backend.log_records().len(), 0);
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("tidegate_receiver_requests_refused", &["reason=\"forbidden\""]), 6.0);
}

#[tokio::test]
async fn what_says_no_cluster_is_given_that_of_its_sender() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let client = Client::over_tls(collector.grpc(), &authority.pem, Some(&edge(&authority))).await.unwrap();
    client.logs(telemetry::logs(vec![telemetry::record("a", 9, "x")])).await.unwrap();
    client.traces(telemetry::traces("x")).await.unwrap();
    client.metrics(telemetry::metrics()).await.unwrap();
    backend.with(|taken| {
        let logs = taken.logs.iter().flat_map(|request| &request.resource_logs).map(|of| &of.resource);
        let traces = taken.traces.iter().flat_map(|request| &request.resource_spans).map(|of| &of.resource);
        let metrics = taken.metrics.iter().flat_map(|request| &request.resource_metrics).map(|of| &of.resource);
        let resources: Vec<_> = logs.chain(traces).chain(metrics).collect();
        assert!(resources.len() >= 3);
        for resource in resources {
            let attributes = &resource.as_ref().unwrap().attributes;
            assert_eq!(telemetry::text_of(attributes, "cluster.id"), Some("cluster-a"), "{attributes:?}");
        }
    });
}

/// A length-delimited field.
fn len(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, number, content);
    out
}

/// The same with a tag and a length that are longer than they need to be.
fn long(number: u8, content: &[u8]) -> Vec<u8> {
    let short = content.len() as u8;
    assert!(short < 0x80);
    [&[number << 3 | 2 | 0x80, 0x80, 0, short | 0x80, 0x80, 0x80, 0], content].concat()
}

fn text(text: &str) -> Vec<u8> {
    len(1, text.as_bytes())
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    [len(1, key.as_bytes()), len(2, value)].concat()
}

/// Requests that claim to be of another cluster, in each way that protobuf allows and in some that it does not: each with the
/// path that it is sent to.
fn tricks() -> Vec<(&'static str, Vec<u8>)> {
    let claim = pair("cluster.id", &text(FOREIGN));
    let own = pair("cluster.id", &text("cluster-a"));
    let item = len(2, &len(2, &len(5, &text("x"))));
    let resource = |attributes: &[&[u8]]| len(1, &attributes.iter().flat_map(|pair| len(1, pair)).collect::<Vec<_>>());
    let logs = |parts: &[&[u8]]| ("/v1/logs", len(1, &parts.concat()));
    let map = |pairs: &[&[u8]]| len(6, &pairs.iter().flat_map(|pair| len(1, pair)).collect::<Vec<_>>());
    let array = |values: &[&[u8]]| len(5, &values.iter().flat_map(|value| len(1, value)).collect::<Vec<_>>());
    let record = |fields: &[u8]| len(2, &len(2, fields));
    let mut tricks = vec![
        logs(&[&resource(&[&claim]), &item]),
        logs(&[&item, &resource(&[&claim])]),
        // Protobuf would merge the two, or take the last.
        logs(&[&resource(&[&own]), &resource(&[&claim]), &item]),
        logs(&[&resource(&[&own, &claim]), &item]),
        logs(&[&resource(&[&claim, &own]), &item]),
        // One attribute with two keys, or two values.
        logs(&[&resource(&[&[pair("x", &text(FOREIGN)), len(1, b"cluster.id")].concat()]), &item]),
        logs(&[&resource(&[&[own.clone(), len(2, &text(FOREIGN))].concat()]), &item]),
        logs(&[&resource(&[&pair("cluster.id", &[text("cluster-a"), text(FOREIGN)].concat())]), &item]),
        // The value before its key; tags and lengths that are longer than they need to be.
        logs(&[&resource(&[&[len(2, &text(FOREIGN)), len(1, b"cluster.id")].concat()]), &item]),
        logs(&[&long(1, &long(1, &[long(1, b"cluster.id"), long(2, &text(FOREIGN))].concat())), &item]),
        // What is no text.
        logs(&[&resource(&[&pair("cluster.id", &len(7, FOREIGN.as_bytes()))]), &item]),
        logs(&[&resource(&[&pair("cluster.id", &array(&[&text(FOREIGN)]))]), &item]),
        logs(&[&resource(&[&pair("cluster.id", &map(&[&pair("", &text(FOREIGN))]))]), &item]),
        // Nested.
        logs(&[&resource(&[&pair("x", &array(&[&map(&[&claim])]))]), &item]),
        logs(&[&resource(&[&pair("cluster", &map(&[&pair("id", &text(FOREIGN))]))]), &item]),
        logs(&[&record(&len(5, &map(&[&pair("cluster_id", &text(FOREIGN))])))]),
        logs(&[&record(&len(6, &claim))]),
        logs(&[&len(2, &[len(1, &len(3, &claim)), len(2, &len(5, &text("x")))].concat())]),
        // A field that OTLP does not know, in a resource.
        logs(&[&len(1, &len(15, &claim)), &item]),
        // The role.
        logs(&[&resource(&[&pair("cluster.role", &text(FOREIGN))]), &item]),
    ];
    for key in ["cluster_id", "cluster-id", "Cluster.ID", "__cluster..id__", "cluster\u{df}id"] {
        tricks.push(logs(&[&resource(&[&pair(key, &text(FOREIGN))]), &item]));
    }
    for number in [9, 11, 13] {
        // Of a span, an event and a link.
        let span =
            if number == 9 { len(9, &claim) } else { len(number, &len(if number == 11 { 3 } else { 4 }, &claim)) };
        tricks.push(("/v1/traces", len(1, &len(2, &len(2, &span)))));
    }
    let metric = |data: &[u8]| ("/v1/metrics", len(1, &len(2, &len(2, data))));
    tricks.push(metric(&len(5, &len(1, &len(7, &claim)))));
    tricks.push(metric(&len(5, &len(1, &len(5, &len(7, &claim))))));
    tricks.push(metric(&len(7, &len(1, &len(7, &claim)))));
    tricks.push(metric(&len(9, &len(1, &len(9, &claim)))));
    tricks.push(metric(&len(9, &len(1, &len(8, &len(7, &claim))))));
    tricks.push(metric(&len(10, &len(1, &len(1, &claim)))));
    tricks.push(metric(&len(11, &len(1, &len(7, &claim)))));
    tricks.push(metric(&[len(12, &claim), len(5, &len(1, &len(7, &pair("x", &text("y")))))].concat()));
    tricks
}

/// The same in JSON.
fn json_tricks() -> Vec<(&'static str, String)> {
    let of = |resource: &str, record: &str| {
        format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{resource}]}},"scopeLogs":[{{"logRecords":[{{{record}}}]}}]}}]}}"#
        )
    };
    let attribute = |key: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{FOREIGN}"}}}}"#);
    let claim = attribute("cluster.id");
    let own = r#"{"key":"cluster.id","value":{"stringValue":"cluster-a"}}"#;
    let bodies = [
        of(&claim, ""),
        of(&format!("{own},{claim}"), ""),
        of(&attribute(r"\u0063luster\u002eid"), ""),
        of(&format!(r#"{{"key":"x","key":"cluster.id","value":{{"stringValue":"{FOREIGN}"}}}}"#), ""),
        of(&format!(r#"{{"value":{{"stringValue":"{FOREIGN}"}},"key":"cluster.id"}}"#), ""),
        of(&format!(r#"{{"key":"x","value":{{"kvlistValue":{{"values":[{claim}]}}}}}}"#), ""),
        of("", &format!(r#""body":{{"kvlistValue":{{"values":[{claim}]}}}}"#)),
        of("", &format!(r#""attributes":[{claim}]"#)),
        format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{own}]}},"resource":{{"attributes":[{claim}]}},"scopeLogs":[{{"logRecords":[{{}}]}}]}}]}}"#
        ),
        format!(
            r#"{{"resource_logs":[{{"resource":{{"attributes":[{claim}]}},"scope_logs":[{{"log_records":[{{}}]}}]}}]}}"#
        ),
    ];
    bodies.into_iter().map(|body| ("/v1/logs", body)).collect()
}

#[tokio::test]
async fn with_the_certificate_of_one_cluster_nothing_gets_in_as_another_in_any_form() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let wide = authority.issue_spiffe("spiffe://e.org/wide/x", SystemTime::now() + Duration::from_secs(3600));
    for identity in [&edge(&authority), &wide] {
        let sender = (&authority, identity, collector.http());
        for (number, (path, body)) in tricks().into_iter().enumerate() {
            let (status, _) = post(sender, path, PROTOBUF, &body).await;
            assert!([200, 400, 403].contains(&status), "trick {number}: {status}");
        }
        for (number, (path, body)) in json_tricks().into_iter().enumerate() {
            let (status, _) = post(sender, path, JSON, body.as_bytes()).await;
            assert!([200, 400, 403].contains(&status), "trick {number} in JSON: {status}");
        }
        let client = Client::over_tls(collector.grpc(), &authority.pem, Some(identity)).await.unwrap();
        for (_, body) in tricks().into_iter().filter(|(path, _)| *path == "/v1/logs") {
            // What an SDK cannot encode it cannot send.
            if let Ok(request) = ExportLogsServiceRequest::decode(&body[..]) {
                let _ = client.logs(request).await;
            }
        }
        client.logs(of_clusters(&["cluster-a"])).await.expect("what holds is taken all the same");
    }
    backend.with(|taken| {
        assert!(taken.logs.len() >= 2, "what holds arrived");
        let all = format!("{:?}{:?}{:?}", taken.logs, taken.traces, taken.metrics);
        let claims: Vec<_> = all.match_indices(FOREIGN).map(|(at, _)| &all[at.saturating_sub(200)..at]).collect();
        // `wide` may claim any role, as no rule is about roles of its.
        assert!(claims.iter().all(|claim| claim.contains("cluster.role")), "{claims:?}");
    });
}

#[tokio::test]
async fn who_floods_the_hub_is_told_to_come_later_and_others_are_heard_until_the_limit_is_taken_away() {
    const LIMIT: &str = "roles: [edge], limits: { requests_per_second: 0.001, in_flight_mib: 64 } }";
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let yaml = YAML.replace("roles: [edge] }", LIMIT);
    let collector = setup_of(&yaml, &authority, &backend).start().await;
    let flood = edge(&authority);
    let wide = authority.issue_spiffe("spiffe://e.org/wide/x", SystemTime::now() + Duration::from_secs(3600));
    let connect =
        async |identity: &Identity| Client::over_tls(collector.grpc(), &authority.pem, Some(identity)).await.unwrap();
    let other = connect(&wide).await;

    let request = of_clusters(&["cluster-a"]);
    connect(&flood).await.logs(request.clone()).await.unwrap();
    for _ in 0..5 {
        let status = connect(&flood).await.logs(request.clone()).await.unwrap_err();
        assert_eq!((status.code(), status.details().is_empty()), (Code::ResourceExhausted, false), "{status}");
        assert!(status.message().contains("spiffe://e.org/edge/a"), "{status}");
        assert!(status.message().contains("requests_per_second"), "{status}");
        let sender = (&authority, &flood, collector.http());
        assert_eq!(post(sender, "/v1/logs", PROTOBUF, &request.encode_to_vec()).await.0, 429);
        other.logs(request.clone()).await.expect("others are heard");
    }
    assert_eq!(backend.log_records().len(), 6);
    let metrics = collector.metrics().await;
    let labels = ["identity=\"spiffe://e.org/edge/a\"", "limit=\"requests_per_second\""];
    assert_eq!(metrics.sum("tidegate_identity_requests_refused", &labels), 10.0);
    assert_eq!(metrics.sum("tidegate_receiver_requests_refused", &["reason=\"limited\""]), 10.0);
    collector.log.wait_for(0, &["an identity sends more than it may", "spiffe://e.org/edge/a"]).await;

    let seen = collector.log.len();
    collector.replace("tidegate.yaml", YAML);
    collector.log.wait_for(seen, &["configuration taken over"]).await;
    for _ in 0..3 {
        connect(&flood).await.logs(request.clone()).await.expect("nothing is limited any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_queue_on_disk_says_who_sent_it_after_kill_9() {
    const QUEUE: &str = "compression: none, sending_queue: { storage: file_storage }, \
                         retry_on_failure: { initial_interval: 50ms, max_interval: 200ms },";
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let yaml = YAML
        .replace("compression: none,", QUEUE)
        .replace("extensions:\n", "extensions:\n  file_storage: { directory: queues, create_directory: true }\n")
        .replace("extensions: [headers_setter]", "extensions: [headers_setter, file_storage]");
    backend.refuse(Status::unavailable("away"));
    let mut collector = setup_of(&yaml, &authority, &backend).start().await;
    let wide = authority.issue_spiffe("spiffe://e.org/wide/x", SystemTime::now() + Duration::from_secs(3600));
    for (identity, cluster) in [(&edge(&authority), "cluster-a"), (&wide, "cluster-b"), (&wide, "cluster-c")] {
        let client = Client::over_tls(collector.grpc(), &authority.pem, Some(identity)).await.unwrap();
        client.logs(of_clusters(&[cluster])).await.unwrap();
    }
    collector.kill_and_restart().await;
    assert_eq!(backend.log_records().len(), 0, "all of it waited");
    backend.accept();
    let arrived = eventually("all of it is delivered", async || {
        (backend.log_records().len() >= 3)
            .then(|| backend.with(|taken| clusters_by_sender(&taken.logs, &taken.metadata)))
    })
    .await;
    let pair = |identity: &str, cluster: &str| (identity.to_owned(), cluster.to_owned());
    let (edge, wide) = ("spiffe://e.org/edge/a", "spiffe://e.org/wide/x");
    assert_eq!(arrived, BTreeSet::from([pair(edge, "cluster-a"), pair(wide, "cluster-b"), pair(wide, "cluster-c")]));
}

/// Who is said to have sent each request, and the clusters in it.
fn clusters_by_sender(requests: &[ExportLogsServiceRequest], headers: &[HeaderMap]) -> BTreeSet<(String, String)> {
    let pairs = requests.iter().zip(headers).flat_map(|(request, headers)| {
        let sender = headers.get("x-identity").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let resources = request.resource_logs.iter().filter_map(|of| of.resource.as_ref());
        resources.map(move |resource| {
            let cluster = telemetry::text_of(&resource.attributes, "cluster.id").unwrap_or_default();
            (sender.clone(), cluster.to_owned())
        })
    });
    pairs.collect()
}

#[tokio::test]
async fn whoever_is_denied_is_heard_no_more_on_a_connection_that_lives() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let client = Client::over_tls(collector.grpc(), &authority.pem, Some(&edge(&authority))).await.unwrap();
    client.logs(of_clusters(&["cluster-a"])).await.unwrap();
    collector.replace("denied.txt", "spiffe://e.org/edge/a\n");
    eventually("it is not let in", async || {
        let refused = client.logs(of_clusters(&["cluster-a"])).await.err();
        refused.filter(|status| status.code() == Code::PermissionDenied)
    })
    .await;
    let ended = collector.metrics().await.sum("tidegate_receiver_connections_ended", &["transport=\"grpc\""]);
    assert_eq!(ended, 1.0);
}

#[tokio::test]
async fn an_authority_that_is_taken_out_of_the_file_ends_what_it_vouched_for() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let mut idle = authority.connect_as(Some(&edge(&authority)), collector.http(), &[b"http/1.1"]).await;
    collector.replace("clients.pem", Authority::new("another").pem);
    let mut answer = Vec::new();
    // It is closed, though nothing was sent: this would wait for ever else.
    let _ = idle.read_to_end(&mut answer).await;
    assert_eq!(collector.metrics().await.sum("tidegate_receiver_connections_ended", &["transport=\"http\""]), 1.0);
}

#[tokio::test]
async fn a_connection_ends_with_the_certificate_of_its_client() {
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    let collector = setup(&authority, &backend).start().await;
    let soon = authority.issue_spiffe("spiffe://e.org/edge/a", SystemTime::now() + Duration::from_secs(4));
    let mut idle = authority.connect_as(Some(&soon), collector.http(), &[b"http/1.1"]).await;
    let mut answer = Vec::new();
    let _ = idle.read_to_end(&mut answer).await;
    collector.log.wait_for(0, &["a connection is closed", "has expired"]).await;
}

#[test]
fn says_what_is_missing_where_senders_show_no_certificate() {
    let yaml = YAML.replace(", client_ca_file: clients.pem", "").replace("cluster-*", "cluster-[");
    let yaml = yaml.replace("roles: [edge] }", "roles: [edge], limits: { items_per_second: 0, in_flight_mib: 16 } }");
    let authority = Authority::new("authority");
    let setup = Collector::from_yaml(&yaml).file("hub.pem", authority.issue(HUB).bundle()).env("NEXT", &"127.0.0.1:1");
    let (is_valid, told) = setup.file("denied.txt", "serial:x\n").validate();
    assert!(!is_valid);
    for part in [
        "identity: senders over grpc show no certificate that says who they are",
        "clusters: \"cluster-[\" is no pattern",
        "identity.rules.0.limits.items_per_second: it has to be a number above 0",
        "identity.rules.0.limits.in_flight_mib: a message of 20971520 bytes",
        "identity.deny_file: denied.txt: line 1",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
