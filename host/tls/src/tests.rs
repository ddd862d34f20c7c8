//! What this crate promises: what may be agreed on, what is told about files, and when they are read anew.

pub(crate) mod authority;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_config::{Secret, Wrong};
use host_telemetry::Metrics;
use rcgen::{CertificateParams, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::advance;

use crate::policy::{Policy, Wishes};
use crate::{ClientConfig, Fresh, Listener, ServerConfig, Target, Watch};

fn policy(versions: (&str, &str), suites: &[&str], curves: &[&str]) -> Result<Policy, String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (cipher_suites, curve_preferences) = (&owned(suites)[..], &owned(curves)[..]);
    let wishes = Wishes { min_version: versions.0, max_version: versions.1, cipher_suites, curve_preferences };
    Policy::of(&wishes).map_err(|wrong| wrong.to_string())
}

#[test]
fn knows_versions_suites_and_curves_by_the_names_that_go_has_for_them() {
    let both = policy(("", ""), &[], &[]).unwrap();
    assert_eq!(both.versions.len(), 2);
    let narrow = policy(("1.2", "1.2"), &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], &["P384", "X25519"]).unwrap();
    assert_eq!(narrow.versions.len(), 1);
    // The three of TLS 1.3 are always on.
    assert_eq!(narrow.provider.cipher_suites.len(), 4);
    let curves: Vec<_> = narrow.provider.kx_groups.iter().map(|curve| format!("{:?}", curve.name())).collect();
    assert_eq!(curves, ["secp384r1", "X25519"]);
    assert!(policy(("", ""), &["TLS_RSA_WITH_RC4_128_SHA"], &[]).unwrap_err().contains("TLS_RSA_WITH_RC4_128_SHA"));
    let near = policy(("", ""), &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265"], &[]).unwrap_err();
    assert!(near.contains("did you mean `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`?"), "{near}");
    assert!(policy(("", ""), &[], &["P521"]).unwrap_err().contains("X25519, P256, P384"));
    assert!(policy(("1.0", ""), &[], &[]).unwrap_err().starts_with("min_version: TLS 1.0"));
    assert!(policy(("", "2"), &[], &[]).unwrap_err().starts_with("max_version: \"2\""));
    assert!(policy(("1.3", "1.2"), &[], &[]).unwrap_err().contains("lower than min_version"));
    assert!(policy(("", "1.2"), &["TLS_AES_128_GCM_SHA256"], &[]).unwrap_err().starts_with("cipher_suites"));
}

#[test]
fn tells_what_is_missing_and_what_is_there_twice() {
    let told = |wrongs: Vec<Wrong>| wrongs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let server = ServerConfig {
        cert_file: "a.pem".into(),
        cert_pem: Secret::new("text"),
        ca_file: "ca.pem".into(),
        ..ServerConfig::default()
    };
    let told_of_server = told(server.wrongs("tls"));
    for part in ["tls.cert_pem: `cert_file` is set, too", "tls.key_file: it is missing", "tls.ca_file: whoever listens"]
    {
        assert!(told_of_server.contains(part), "{part} in {told_of_server}");
    }
    let client =
        ClientConfig { key_file: "a.pem".into(), server_name_override: "a b".into(), ..ClientConfig::default() };
    let told_of_client = told(client.wrongs("tls"));
    for part in ["tls.cert_file: it is missing", "tls.server_name_override: \"a b\""] {
        assert!(told_of_client.contains(part), "{part} in {told_of_client}");
    }
    assert_eq!(told(ClientConfig::plain().wrongs("tls")), "");
}

#[test]
fn data_goes_in_the_clear_only_where_that_was_written_down() {
    let of = |config: ClientConfig, https| config.is_plain(https);
    assert!(!of(ClientConfig::default(), false));
    assert!(of(ClientConfig::plain(), false));
    assert!(!of(ClientConfig::plain(), true), "the endpoint says https");
    assert!(!of(ClientConfig { ca_file: "ca.pem".into(), ..ClientConfig::plain() }, false), "an authority is named");
}

#[test]
fn a_secret_shows_in_no_message() {
    let config = ClientConfig { key_pem: Secret::new("secret text"), ..ClientConfig::default() };
    assert!(!format!("{config:?}").contains("secret text"));
}

#[tokio::test(start_paused = true)]
async fn reads_files_anew_when_they_have_changed_and_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    std::fs::write(&path, "1").unwrap();
    let interval = Duration::from_secs(1);
    let watch = Watch { owner: "test".to_owned(), what: "number", files: vec![path.clone()], interval };
    let metrics = Metrics::new();
    let from = path.clone();
    let load = move || number(&from);
    let fresh = Fresh::new(watch, &metrics, load).unwrap();
    assert_eq!(*fresh.get().await, 1);
    std::fs::write(&path, "2").unwrap();
    assert_eq!(*fresh.get().await, 1, "it is too soon to look");
    advance(interval).await;
    assert_eq!(*fresh.get().await, 2);
    std::fs::write(&path, "none").unwrap();
    for _ in 0..3 {
        advance(interval).await;
        assert_eq!(*fresh.get().await, 2, "what cannot be used changes nothing");
    }
    std::fs::remove_file(&path).unwrap();
    advance(interval).await;
    assert_eq!(*fresh.get().await, 2);
    std::fs::write(&path, "3").unwrap();
    advance(interval).await;
    assert_eq!(*fresh.get().await, 3);
    assert_eq!((metrics.total("tidegate_reloads"), metrics.total("tidegate_reload_failures")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn takes_what_could_not_be_used_for_a_while_though_it_has_not_changed_since() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    std::fs::write(&path, "1").unwrap();
    let interval = Duration::from_secs(1);
    let watch = Watch { owner: "test".to_owned(), what: "number", files: vec![path.clone()], interval };
    let (metrics, is_short) = (Metrics::new(), Arc::new(AtomicBool::new(false)));
    let (from, fails) = (path.clone(), is_short.clone());
    let load = move || match fails.load(Ordering::SeqCst) {
        true => Err(Wrong::new("file", "too many files are open")),
        false => number(&from),
    };
    let fresh = Fresh::new(watch, &metrics, load).unwrap();
    is_short.store(true, Ordering::SeqCst);
    std::fs::write(&path, "2").unwrap();
    for _ in 0..2 {
        advance(interval).await;
        assert_eq!(*fresh.get().await, 1);
    }
    is_short.store(false, Ordering::SeqCst);
    advance(interval).await;
    assert_eq!(*fresh.get().await, 2);
    assert_eq!((metrics.total("tidegate_reloads"), metrics.total("tidegate_reload_failures")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_looks_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    std::fs::write(&path, "1").unwrap();
    let interval = Duration::from_secs(1);
    let watch = Watch { owner: "test".to_owned(), what: "number", files: vec![path.clone()], interval };
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let (from, loads, may_end) = (path.clone(), AtomicUsize::new(0), Mutex::new(may_end));
    let load = move || {
        let value = number(&from);
        // The second time it takes long to say what it has read.
        if loads.fetch_add(1, Ordering::SeqCst) == 1 {
            begun.send(()).unwrap();
            may_end.lock().unwrap().recv().unwrap();
        }
        value
    };
    let fresh = Fresh::new(watch, &Metrics::new(), load).unwrap();
    std::fs::write(&path, "2").unwrap();
    advance(interval).await;
    let looking = tokio::spawn({
        let fresh = fresh.clone();
        async move { *fresh.get().await }
    });
    tokio::task::yield_now().await;
    has_begun.recv().unwrap();
    std::fs::write(&path, "3").unwrap();
    advance(interval).await;
    assert_eq!(*fresh.get().await, 1, "somebody looks already");
    end.send(()).unwrap();
    assert_eq!(looking.await.unwrap(), 2);
    advance(interval).await;
    assert_eq!(*fresh.get().await, 3);
}

fn number(path: &PathBuf) -> Result<u32, Wrong> {
    let text = std::fs::read_to_string(path).map_err(|error| Wrong::new("file", error.to_string()))?;
    text.parse().map_err(|_| Wrong::new("file", "it is no number"))
}

fn server() -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["hub.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (cert_pem, key_pem) = (Secret::new(certificate.pem()), Secret::new(key.serialize_pem()));
    ServerConfig { cert_pem, key_pem, ..ServerConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn gives_up_a_client_that_says_nothing() {
    let (metrics, base) = (Metrics::new(), Path::new("."));
    let listener = Listener { receiver: "otlp", transport: "grpc", key: "tls", alpn: &[b"h2"], base };
    let acceptor = server().build(&listener, &metrics).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
    let (stream, _) = socket.accept().await.unwrap();
    assert!(acceptor.accept(stream).await.is_none());
    assert_eq!(metrics.totals("tidegate_receiver_tls_handshake_failures", "reason")["slow"], 1);
    drop(silent);
}

#[tokio::test]
async fn takes_anybody_for_the_peer_where_that_was_written_down_and_nobody_else_otherwise() {
    let (metrics, base) = (Metrics::new(), Path::new("."));
    let listener = Listener { receiver: "otlp", transport: "grpc", key: "tls", alpn: &[b"h2"], base };
    let acceptor = server().build(&listener, &metrics).unwrap();
    let ca_pem = Secret::new(CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap().pem());
    let careful = ClientConfig { ca_pem, ..ClientConfig::default() };
    let careless = ClientConfig { insecure_skip_verify: true, ..ClientConfig::default() };
    for (config, connects) in [(careful, false), (careless, true)] {
        let target = Target { owner: "otlp_grpc", key: "tls", host: "127.0.0.1", https: false, alpn: &[b"h2"], base };
        let connector = config.build(&target, &metrics).unwrap().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (accepted, connected) =
            tokio::join!(async { acceptor.accept(socket.accept().await.unwrap().0).await }, connector.connect(stream));
        assert_eq!((accepted.is_some(), connected.is_ok()), (connects, connects));
    }
}
