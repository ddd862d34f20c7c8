//! Who is speaking: real certificates, and requests that claim what they may not, in each form of OTLP.

mod quotas;

use std::net::SocketAddr;
use std::path::Path;

use host_component::{IDENTITY, MetadataKeys, Signal};
use host_config::Secret;
use host_identity::{Config, Limits as Limited, Rule, Source};
use host_otlp::wire::put_len;
use host_otlp::{Limits, check, json};
use host_telemetry::Metrics;
use host_tls::{ClientConfig, Connector, ServerConfig, Stream, Target};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use tokio::net::TcpStream;

use super::harness::{Answer, Client, Running, Setup, post, raw_over};

/// A hub for clients with certificates, and who issues them.
struct Hub {
    running: Running,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    _folder: tempfile::TempDir,
}

impl Hub {
    fn start(metadata: MetadataKeys) -> Hub {
        Hub::with(Setup { metadata, ..Setup::default() }, None)
    }

    /// One whose clients have these limits.
    fn with(mut setup: Setup, limits: Option<Limited>) -> Hub {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let (pem, folder) = (params.self_signed(&key).unwrap().pem(), tempfile::tempdir().unwrap());
        let issuer = Issuer::new(params, key);
        let client_ca_file = folder.path().join("clients.pem");
        std::fs::write(&client_ca_file, &pem).unwrap();
        let (cert_pem, key_pem) = signed(&issuer, &CertificateParams::new(vec!["hub.test".to_owned()]).unwrap());
        let tls = ServerConfig { cert_pem, key_pem, client_ca_file, ..ServerConfig::default() };
        let rule = |cluster: &str| Rule {
            of: format!("spiffe://e.org/edge/{cluster}"),
            clusters: vec![cluster.to_owned()],
            roles: Some(vec!["edge".to_owned()]),
            limits: None,
        };
        let rules = vec![rule("a"), rule("b")];
        setup.identity = Some(Config { from: vec![Source::Spiffe], rules, limits, ..Config::default() });
        (setup.grpc.tls, setup.http.tls) = (Some(tls.clone()), Some(tls));
        Hub { running: setup.start(), issuer, pem, _folder: folder }
    }

    /// Makes connections for somebody of this SPIFFE ID.
    fn connector(&self, id: &str, alpn: &'static [&'static [u8]]) -> Connector {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(id).unwrap()));
        let (cert_pem, key_pem) = signed(&self.issuer, &params);
        let client = ClientConfig { cert_pem, key_pem, ca_pem: Secret::new(&self.pem), ..ClientConfig::default() };
        let target = Target { owner: "test", key: "tls", host: "hub.test", https: false, alpn, base: Path::new(".") };
        client.build(&target, &Metrics::new()).unwrap().unwrap()
    }

    fn taken(&self) -> Vec<ExportLogsServiceRequest> {
        let taken = self.running.pipeline.taken.lock().unwrap();
        taken.iter().map(|bytes| ExportLogsServiceRequest::decode(&bytes[..]).unwrap()).collect()
    }
}

fn signed(issuer: &Issuer<'static, KeyPair>, params: &CertificateParams) -> (Secret, Secret) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (Secret::new(certificate.pem()), Secret::new(key.serialize_pem()))
}

async fn open(connector: &Connector, address: SocketAddr) -> Stream {
    connector.connect(TcpStream::connect(address).await.unwrap()).await.unwrap()
}

fn len(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, number, content);
    out
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    [len(1, key.as_bytes()), len(2, value)].concat()
}

/// A resource with these attributes and a record.
fn of(attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes.iter().flat_map(|pair| len(1, pair)).collect();
    len(1, &[len(1, &attributes), len(2, &len(2, &len(5, &len(1, b"x"))))].concat())
}

fn says(cluster: &str) -> Vec<u8> {
    pair("cluster.id", &len(1, cluster.as_bytes()))
}

const EDGE: &str = "spiffe://e.org/edge/a";
const H2: &[&[u8]] = &[b"h2"];
const HTTP1: &[&[u8]] = &[b"http/1.1"];

async fn export(hub: &Hub, id: &str, message: &[u8]) -> Answer {
    let stream = open(&hub.connector(id, H2), hub.running.grpc).await;
    Client::over(stream).await.unwrap().0.export(message).await
}

#[tokio::test]
async fn of_a_request_that_is_another_clusters_in_part_the_rest_is_taken_and_the_sender_is_told() {
    let hub = Hub::start(MetadataKeys::default());
    let request = [of(&[says("a")]), of(&[says("b")])].concat();
    let answer = export(&hub, EDGE, &request).await;
    assert_eq!(answer.code, "0");
    let told = ExportLogsServiceResponse::decode(&answer.data[5..]).unwrap().partial_success.unwrap();
    assert_eq!((told.rejected_log_records, told.error_message.contains(EDGE)), (1, true), "{told:?}");
    assert!(told.error_message.starts_with("1 resource was not taken: it claims"), "{told:?}");

    let connector = hub.connector(EDGE, HTTP1);
    let over_http = raw_over(open(&connector, hub.running.http).await, &post("/v1/logs", "", &request)).await;
    assert!(over_http.starts_with("HTTP/1.1 200") && over_http.contains(EDGE), "{over_http}");
    let payload = check(Signal::Logs, request.into(), &Limits::default()).unwrap();
    let json = post("/v1/logs", "content-type: application/json\r\n", &text_of(&payload));
    let as_json = raw_over(open(&connector, hub.running.http).await, &json).await;
    assert!(as_json.contains(r#""rejectedLogRecords":"1""#), "{as_json}");

    let taken = hub.taken();
    assert_eq!(taken.iter().map(|request| request.resource_logs.len()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(hub.running.metric("tidegate_identity_violations", &["claimed=\"b\"", EDGE, "refuse"]), 3);
    assert_eq!(hub.running.metric("otelcol_receiver_refused_log_records", &["grpc"]), 1);
    assert_eq!(hub.running.budget.used(), 0);
}

#[tokio::test]
async fn a_request_of_another_cluster_alone_is_refused_for_good_and_so_is_a_stranger() {
    let hub = Hub::start(MetadataKeys::default());
    for (id, cluster) in [(EDGE, "b"), ("spiffe://e.org/other", "a")] {
        let answer = export(&hub, id, &of(&[says(cluster)])).await;
        assert_eq!((answer.code.as_str(), answer.details), ("7", None), "{}", answer.message);
        let stream = open(&hub.connector(id, HTTP1), hub.running.http).await;
        let answer = raw_over(stream, &post("/v1/logs", "", &of(&[says(cluster)]))).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    assert_eq!(hub.running.pipeline.count(), 0);
    assert_eq!(hub.running.refused("grpc", "forbidden"), 2);
}

#[tokio::test]
async fn the_identity_goes_along_where_something_reads_it_and_the_cluster_is_written_down() {
    let mut metadata = MetadataKeys::default();
    metadata.add(Signal::Logs, [IDENTITY.to_owned()]);
    let hub = Hub::start(metadata);
    assert_eq!(export(&hub, EDGE, &of(&[])).await.code, "0");
    let origin = hub.running.pipeline.origins.lock().unwrap().pop().unwrap();
    assert_eq!(origin.values(IDENTITY).collect::<Vec<_>>(), [EDGE]);
    let mut claims = Vec::new();
    hub.taken().iter().for_each(|request| claimed(request, &mut claims));
    assert_eq!(claims, ["a"]);
}

/// A payload in JSON.
fn text_of(payload: &host_otlp::Payload) -> Vec<u8> {
    let mut out = Vec::new();
    json::write(payload, &mut out);
    out
}

/// Attributes with claims in any place and in odd encodings.
fn odd(random: &mut fastrand::Rng, depth: u32) -> Vec<u8> {
    let keys = ["cluster.id", "Cluster-ID", "__cluster_id", "cluster.role", "cluster", "id", "x", ""];
    let key = len(1, keys[random.usize(..keys.len())].as_bytes());
    let value = match random.u8(..8) {
        0 if depth > 0 => len(6, &(0..2).flat_map(|_| len(1, &odd(random, depth - 1))).collect::<Vec<_>>()),
        1 if depth > 0 => len(5, &len(1, &len(6, &len(1, &odd(random, depth - 1))))),
        2 => len(7, b"b"),
        3 => [len(1, b"a"), len(1, b"b")].concat(),
        4..6 => len(1, b"b"),
        _ => len(1, b"a"),
    };
    match random.u8(..8) {
        0 => [len(2, &value), key].concat(),
        1 => [key.clone(), len(2, &value), key].concat(),
        2 => [key, len(2, &len(1, b"a")), len(2, &value)].concat(),
        // Tags and lengths that are longer than they need to be.
        3 if value.len() < 0x80 => [key, vec![0x92, 0x80, 0, value.len() as u8 | 0x80, 0], value].concat(),
        _ => [key, len(2, &value)].concat(),
    }
}

/// A request of one or two resources, which may stand behind their records, or twice.
fn odd_request(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..random.u8(1..3) {
        let resource = len(1, &len(1, &odd(random, 2)));
        let attribute = odd(random, 2);
        let record = match random.u8(..4) {
            0 => len(6, &attribute),
            1 => len(5, &len(6, &len(1, &attribute))),
            _ => len(5, &len(1, b"x")),
        };
        let scope = if random.bool() { Vec::new() } else { len(1, &len(3, &odd(random, 1))) };
        let scope_logs = len(2, &[scope, len(2, &record)].concat());
        let parts = match random.u8(..5) {
            0 => [scope_logs, resource].concat(),
            1 => [resource.clone(), scope_logs, resource].concat(),
            2 => scope_logs,
            _ => [resource, scope_logs].concat(),
        };
        out.extend(len(1, &parts));
    }
    out
}

/// What a request claims, as prost reads it.
fn claimed(request: &ExportLogsServiceRequest, claims: &mut Vec<String>) {
    for resource_logs in &request.resource_logs {
        resource_logs.resource.iter().for_each(|resource| pairs(&resource.attributes, "", claims));
        for scope_logs in &resource_logs.scope_logs {
            scope_logs.scope.iter().for_each(|scope| pairs(&scope.attributes, "", claims));
            for record in &scope_logs.log_records {
                pairs(&record.attributes, "", claims);
                record.body.iter().for_each(|body| within(body, "", claims));
            }
        }
    }
}

fn pairs(pairs: &[KeyValue], path: &str, claims: &mut Vec<String>) {
    for pair in pairs {
        let flat = format!("{path}.{}", pair.key);
        let normal = |key: &str| {
            let words = key.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            words.collect::<Vec<_>>().join("_").to_ascii_lowercase()
        };
        if [normal(&flat), normal(&pair.key)].iter().any(|key| key == "cluster_id" || key == "cluster_role") {
            let value = pair.value.as_ref().and_then(|value| value.value.clone());
            claims.push(match value {
                Some(Value::StringValue(text)) => text,
                other => format!("{other:?}"),
            });
        }
        pair.value.iter().for_each(|value| within(value, &flat, claims));
    }
}

fn within(value: &AnyValue, path: &str, claims: &mut Vec<String>) {
    match &value.value {
        Some(Value::KvlistValue(map)) => pairs(&map.values, path, claims),
        Some(Value::ArrayValue(array)) => array.values.iter().for_each(|value| within(value, "array", claims)),
        _ => {}
    }
}

#[tokio::test]
async fn with_the_certificate_of_one_cluster_nothing_gets_in_as_another_in_any_form() {
    let hub = Hub::start(MetadataKeys::default());
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (over_grpc, over_http) = (hub.connector(EDGE, H2), hub.connector(EDGE, HTTP1));
    let (client, _) = Client::over(open(&over_grpc, hub.running.grpc).await).await.unwrap();
    let mut answers = [0; 2];
    for _ in 0..100 {
        let request = odd_request(&mut random);
        let code = client.export(&request).await.code;
        assert!(["0", "3", "7"].contains(&code.as_str()), "{code}, seed {seed}");
        answers[usize::from(code == "0")] += 1;
        let answer = raw_over(open(&over_http, hub.running.http).await, &post("/v1/logs", "", &request)).await;
        assert_eq!(answer.starts_with("HTTP/1.1 200"), code == "0", "{answer}, seed {seed}");
        // What is no request has no form in JSON.
        if let Ok(payload) = check(Signal::Logs, request.into(), &Limits::default()) {
            let json = post("/v1/logs", "content-type: application/json\r\n", &text_of(&payload));
            let answer = raw_over(open(&over_http, hub.running.http).await, &json).await;
            assert_eq!(answer.starts_with("HTTP/1.1 200"), code == "0", "{answer}, seed {seed}");
        }
    }
    assert!(answers.iter().all(|count| *count > 3), "some are taken and some not: {answers:?}, seed {seed}");
    for request in hub.taken() {
        let mut claims = Vec::new();
        claimed(&request, &mut claims);
        // `a` is no role that the sender may have.
        assert!(claims.iter().all(|claim| claim == "a"), "{claims:?} in {request:?}, seed {seed}");
    }
}
