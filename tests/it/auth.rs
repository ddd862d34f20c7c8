//! Who may send to a receiver, and what an exporter shows of who it is.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use http::HeaderMap;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;

use crate::harness::certificates::{Authority, HUB};
use crate::harness::{Backend, Client, Collector, Setup, eventually, telemetry};

/// Names and passwords over gRPC, tokens over HTTP. The hash is that of `U*U`.
const GUARDED: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:HOST}:4317', auth: { authenticator: basicauth } }
      http: { endpoint: '${env:HOST}:4318', auth: { authenticator: bearertokenauth } }
exporters: { file: { path: out.jsonl } }
extensions:
  basicauth:
    htpasswd:
      file: users
      inline: 'bob:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
  bearertokenauth: { filename: tokens }
service:
  extensions: [basicauth, bearertokenauth]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";

/// A hub that wants a token, encrypted; its token is in a file.
const HUB_YAML: &str = "
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: '${env:HOST}:4317'
        tls: { cert_file: hub.pem, key_file: hub.pem }
        auth: { authenticator: bearertokenauth }
exporters: { file: { path: out.jsonl } }
extensions: { bearertokenauth: { filename: tokens } }
service:
  extensions: [bearertokenauth]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";

/// What stands before the hub, with an extension to be filled in.
const EDGE_YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_grpc:
    endpoint: '${env:NEXT}'
    retry_on_failure: { enabled: false }
    tls: { ca_file: ca.pem, server_name_override: hub.test }
    auth: { authenticator: EXTENSION }
extensions: { EXTENSION: SETTINGS }
service:
  extensions: [EXTENSION]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc] } }
";

async fn hub(authority: &Authority, tokens: &str) -> Collector {
    let setup = Collector::from_yaml(HUB_YAML).file("hub.pem", authority.issue(HUB).bundle());
    setup.file("tokens", tokens).start().await
}

fn edge(authority: &Authority, hub: &Collector, extension: &str, settings: &str) -> Setup {
    let yaml = EDGE_YAML.replace("EXTENSION", extension).replace("SETTINGS", settings);
    Collector::from_yaml(&yaml).file("ca.pem", &authority.pem).env("NEXT", &hub.grpc())
}

async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Sends one record with this header over gRPC.
async fn send(address: SocketAddr, id: &str, header: Option<(&'static str, &str)>) -> Result<(), Status> {
    send_on(connect(address).await, id, header).await
}

async fn send_on(channel: Channel, id: &str, header: Option<(&'static str, &str)>) -> Result<(), Status> {
    let mut request = Request::new(telemetry::logs(vec![telemetry::record(id, 9, "guarded")]));
    if let Some((key, value)) = header {
        request.metadata_mut().insert(key, value.parse().unwrap());
    }
    LogsServiceClient::new(channel).export(request).await.map(|_| ())
}

/// Sends one record with this header over HTTP; the answer's first line.
async fn post(address: SocketAddr, id: &str, header: &str) -> String {
    let body = telemetry::logs(vec![telemetry::record(id, 9, "guarded")]).encode_to_vec();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\n{header}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn lets_in_who_shows_that_they_may_send_and_tells_and_counts_the_others() {
    let setup = Collector::from_yaml(GUARDED).file("users", "ann:secret\n").file("tokens", "one\ntwo # of the edge\n");
    let collector = setup.start().await;
    let user = |user: &str| format!("Basic {}", STANDARD.encode(user));
    for (id, name) in [("<ann>", "ann:secret"), ("<bob>", "bob:U*U"), ("<bob again>", "bob:U*U")] {
        send(collector.grpc(), id, Some(("authorization", &user(name)))).await.unwrap();
    }
    for wrong in [None, Some(user("ann:other")), Some(user("bob:U*V")), Some("Bearer one".to_owned())] {
        let header = wrong.as_deref().map(|value| ("authorization", value));
        let refused = send(collector.grpc(), "<wrong>", header).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    }
    assert_eq!(post(collector.http(), "<one>", "authorization: Bearer one\r\n").await, "HTTP/1.1 200 OK");
    assert_eq!(post(collector.http(), "<two>", "Authorization: Bearer two\r\n").await, "HTTP/1.1 200 OK");
    for wrong in ["", "authorization: Bearer three\r\n", "authorization: one\r\n"] {
        assert_eq!(post(collector.http(), "<wrong>", wrong).await, "HTTP/1.1 401 Unauthorized", "{wrong}");
    }
    let taken = collector.read("out.jsonl");
    assert!(["<ann>", "<bob>", "<bob again>", "<one>", "<two>"].iter().all(|id| taken.contains(id)), "{taken}");
    assert!(!taken.contains("<wrong>"), "{taken}");
    let metrics = collector.metrics().await;
    let refused =
        |transport| metrics.sum("tidegate_receiver_requests_refused", &["reason=\"unauthenticated\"", transport]);
    assert_eq!((refused("transport=\"grpc\""), refused("transport=\"http\"")), (4.0, 3.0));
}

#[tokio::test]
async fn a_token_that_changes_in_its_file_is_wanted_and_sent_from_then_on() {
    let authority = Authority::new("authority");
    let hub = hub(&authority, "old\n").await;
    let setup = edge(&authority, &hub, "bearertokenauth", "{ filename: token }").file("token", "old\n");
    let edge = setup.start().await;
    let client = Client::connect(edge.grpc()).await;
    let send = async |id: &str| client.logs(telemetry::logs(vec![telemetry::record(id, 9, "guarded")])).await;
    send("<old>").await.unwrap();
    hub.replace("tokens", "new\n");
    eventually("the old token is wanted no more", async || send("<x>").await.is_err().then_some(())).await;
    edge.replace("token", "new\n");
    eventually("the new one is sent", async || send("<new>").await.is_ok().then_some(())).await;
    assert!(hub.read("out.jsonl").contains("<new>"));
    assert_eq!(edge.metrics().await.sum("tidegate_reloads", &["what=\"tokens\""]), 1.0);
}

#[tokio::test]
async fn a_user_and_a_password_go_through_a_chain() {
    let authority = Authority::new("authority");
    let yaml = HUB_YAML.replace("authenticator: bearertokenauth", "authenticator: basicauth/hub");
    let yaml = yaml.replace("[bearertokenauth]", "[basicauth/hub]");
    let yaml =
        yaml.replace("bearertokenauth: { filename: tokens }", "basicauth/hub: { htpasswd: { inline: 'edge:secret' } }");
    let hub = Collector::from_yaml(&yaml).file("hub.pem", authority.issue(HUB).bundle()).start().await;
    let settings = "{ client_auth: { username: edge, password_file: password } }";
    let edge = edge(&authority, &hub, "basicauth", settings).file("password", "secret\n").start().await;
    Client::connect(edge.grpc()).await.logs(telemetry::logs(vec![telemetry::record("<a>", 9, "x")])).await.unwrap();
    assert!(hub.read("out.jsonl").contains("<a>"));
}

/// Gives out tokens named after who asks for them, each for an hour.
async fn token_server() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.ends_with(b"scope=send") {
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            let asked = String::from_utf8(request).unwrap();
            let is_known = asked.contains(&STANDARD.encode("edge:secret"));
            let (status, body) = match is_known {
                true => (200, r#"{"access_token":"of-edge","token_type":"Bearer","expires_in":3600}"#),
                false => (401, r#"{"error":"invalid_client"}"#),
            };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_token_that_a_server_gave_out_opens_the_hub() {
    let authority = Authority::new("authority");
    let hub = hub(&authority, "of-edge\n").await;
    let settings = format!(
        "{{ client_id: edge, client_secret_file: secret, token_url: 'http://{}/token', scopes: [send] }}",
        token_server().await
    );
    let edge = edge(&authority, &hub, "oauth2client", &settings).file("secret", "secret\n").start().await;
    let client = Client::connect(edge.grpc()).await;
    for id in ["<a>", "<b>"] {
        client.logs(telemetry::logs(vec![telemetry::record(id, 9, "x")])).await.unwrap();
    }
    assert!(["<a>", "<b>"].iter().all(|id| hub.read("out.jsonl").contains(id)));
    assert_eq!(edge.metrics().await.sum("tidegate_oauth2_tokens", &[]), 1.0);
}

/// From the header of a request to that of what is sent on, past a batch that is told nothing of it.
const TENANTS: &str = "
receivers:
  otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317', include_metadata: true } } }
processors: { batch: }
exporters:
  otlp_grpc:
    endpoint: '${env:NEXT}'
    tls: { insecure: true }
    compression: none
    headers: { x-static: given }
    auth: { authenticator: headers_setter }
extensions:
  headers_setter:
    headers:
      - { key: X-Scope-OrgID, from_context: X-Tenant, default_value: nobody }
      - { action: update, key: X-Static, value: changed }
      - { action: insert, key: X-Region, value: eu }
service:
  extensions: [headers_setter]
  telemetry: { metrics: { address: none } }
  pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } }
";

#[tokio::test]
async fn headers_go_along_with_the_data_of_each_tenant() {
    const EACH: usize = 40;
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(TENANTS).env("NEXT", &backend.address()).start().await;
    let channel = connect(collector.grpc()).await;
    // All at once, so that there is something to join.
    let tenants = [("blue", Some("blue")), ("green", Some("green")), ("nobody", None)];
    let sending = tenants
        .iter()
        .cycle()
        .take(EACH * tenants.len())
        .map(|(id, tenant)| send_on(channel.clone(), id, tenant.map(|tenant| ("x-tenant", tenant))));
    join_all(sending).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    let sent = backend.with(|taken| {
        let of = |(headers, logs): (&HeaderMap, &ExportLogsServiceRequest)| {
            let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
            let scopes = logs.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            let ids = scopes
                .flat_map(|scope| &scope.log_records)
                .map(|record| telemetry::text_of(&record.attributes, "id").unwrap().to_owned());
            ((header("x-scope-orgid"), header("x-static"), header("x-region")), ids.collect::<Vec<_>>())
        };
        taken.metadata.iter().zip(&taken.logs).map(of).collect::<Vec<_>>()
    });
    assert!(sent.len() < EACH * tenants.len(), "none of {} were joined", sent.len());
    for ((tenant, fixed, region), ids) in &sent {
        assert_eq!((fixed.as_str(), region.as_str()), ("changed", "eu"));
        assert!(ids.iter().all(|id| id == tenant), "{ids:?} with the headers of {tenant}");
    }
    assert_eq!(sent.iter().map(|(_, ids)| ids.len()).sum::<usize>(), EACH * tenants.len());
}

#[test]
fn validate_names_an_authenticator_that_is_not_there_or_is_not_one() {
    let yaml = "
receivers:
  otlp:
    protocols:
      grpc: { auth: { authenticator: basicauth/users } }
      http: { auth: { authenticator: headers_setter } }
exporters:
  otlp_grpc/a: { endpoint: 'a:4317', auth: { authenticator: bearertokenath } }
  otlp_grpc/b: { endpoint: 'b:4317', auth: { authenticator: health_check } }
  otlp_grpc/c: { endpoint: 'c:4317', auth: { authenticator: basicauth/users } }
  otlp_grpc/d: { endpoint: 'd:4317', tls: { insecure: true }, auth: { authenticator: bearertokenauth } }
extensions:
  basicauth/users: { htpasswd: { inline: 'ann:$apr1$x$y' } }
  bearertokenauth: { filename: nowhere }
  headers_setter: { headers: [{ key: x, from_attribute: subject }] }
  health_check:
service:
  extensions: [headers_setter, health_check, bearertokenauth]
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_grpc/a, otlp_grpc/b, otlp_grpc/c, otlp_grpc/d] }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(!valid, "{text}");
    for (line, part) in [
        (5, "protocols.grpc.auth.authenticator: `service.extensions` does not name `basicauth/users`"),
        (6, "protocols.http.auth.authenticator: `headers_setter` adds to what is sent: a receiver needs"),
        (
            8,
            "exporters.otlp_grpc/a.auth.authenticator: the extension `bearertokenath` is not defined under `extensions`, did you mean `bearertokenauth`?",
        ),
        (9, "exporters.otlp_grpc/b.auth.authenticator: `health_check` is no authenticator"),
        (10, "exporters.otlp_grpc/c.auth.authenticator: `service.extensions` does not name"),
        (11, "exporters.otlp_grpc/d.auth.authenticator: `bearertokenauth` sends what nobody else may read"),
        (13, "extensions.basicauth/users.htpasswd.inline: line 1 has a hash with MD5, which is not served"),
        (14, "extensions.bearertokenauth.filename: nowhere: the file cannot be read"),
        (15, "extensions.headers_setter.headers: number 1 (\"x\"): `from_attribute` is not served"),
    ] {
        let told = text.lines().any(|told| told.starts_with(&format!("tidegate.yaml:{line}:")) && told.contains(part));
        assert!(told, "{line}: {part} in:\n{text}");
    }
}
