//! Peers: what their certificates say, and when they are not vouched for any more.

use std::path::Path;
use std::sync::Arc;

use host_config::Secret;
use host_telemetry::Metrics;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DnType, SanType};
use tokio::net::{TcpListener, TcpStream};

use super::{Ended, Vouched};
use crate::tests::authority::Authority;
use crate::{Acceptor, ClientConfig, Listener, ServerConfig, Stream, Target};

fn edge() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["Edge-1.test".to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::URI(Ia5String::try_from("spiffe://e.org/edge/1").unwrap()));
    params.distinguished_name.push(DnType::CommonName, "edge one");
    params.serial_number = Some(vec![0x0a, 0xbc].into());
    params
}

/// A client with this certificate at a hub that lets in those of a file of authorities.
async fn met(authority: &Authority, params: &CertificateParams, clients: &Path) -> (Vouched, Stream, Stream) {
    let metrics = Metrics::new();
    let (cert_pem, key_pem) = authority.issue_to("hub.test");
    let server = ServerConfig { cert_pem, key_pem, client_ca_file: clients.to_owned(), ..ServerConfig::default() };
    let base = Path::new(".");
    let listener = Listener { receiver: "otlp", transport: "grpc", key: "tls", alpn: &[b"h2"], base };
    let acceptor: Arc<Acceptor> = Arc::new(server.build(&listener, &metrics).unwrap());
    let (cert_pem, key_pem) = authority.issue(params);
    let client = ClientConfig { cert_pem, key_pem, ca_pem: Secret::new(&authority.pem), ..ClientConfig::default() };
    let target = Target { owner: "otlp", key: "tls", host: "hub.test", https: false, alpn: &[b"h2"], base };
    let connector = client.build(&target, &metrics).unwrap().unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
    let accepting = async { acceptor.accept(socket.accept().await.unwrap().0).await.unwrap() };
    let (accepted, connected) = tokio::join!(accepting, connector.connect(stream));
    (acceptor.vouched(&accepted).unwrap().unwrap(), accepted, connected.unwrap())
}

#[tokio::test]
async fn reads_the_names_and_the_number_of_a_certificate() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let clients = folder.path().join("clients.pem");
    std::fs::write(&clients, &authority.pem).unwrap();
    let (Vouched { peer, .. }, ..) = met(&authority, &edge(), &clients).await;
    assert_eq!(peer.uris, ["spiffe://e.org/edge/1"]);
    assert_eq!((peer.dns_names, peer.common_names), (vec!["edge-1.test".to_owned()], vec!["edge one".to_owned()]));
    assert_eq!(peer.serial, "0a:bc");
}

#[tokio::test]
async fn nobody_is_vouched_for_beyond_the_end_of_the_certificate() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let clients = folder.path().join("clients.pem");
    std::fs::write(&clients, &authority.pem).unwrap();
    let (mut vouched, ..) = met(&authority, &edge(), &clients).await;
    vouched.peer.not_after = std::time::SystemTime::now();
    assert_eq!(vouched.ended().await, Ended::Expired);
}

#[tokio::test]
async fn nobody_is_vouched_for_whose_authority_was_taken_out_of_the_file() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let clients = folder.path().join("clients.pem");
    std::fs::write(&clients, &authority.pem).unwrap();
    let (vouched, ..) = met(&authority, &edge(), &clients).await;
    std::fs::write(&clients, Authority::new().pem).unwrap();
    assert!(matches!(vouched.ended().await, Ended::Withdrawn(_)));
}
