//! A real API server for tests and measurements: `kube-apiserver` and `etcd`, and nobody else who would do anything by himself.
//!
//! Whoever creates a pod says which node it is on and what became of it. The binaries are looked for in the folder that
//! `TIDEGATE_CLUSTER_BIN` names, else in `~/.cache/tidegate-cluster/bin`.

#![expect(clippy::unwrap_used, reason = "a test fails where it gets no server")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::watch::Server;

/// The certificates of the server, which it makes itself where there are none: its own, and that of the authority.
const CERTIFICATES: &str = "pki";
const AUTHORITY: &str = "pki/apiserver.crt";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that ends when it is dropped.
pub struct TestServer {
    folder: TempDir,
    bin: PathBuf,
    ports: Ports,
    etcd: Child,
    server: Child,
    api: Api,
}

struct Ports {
    etcd: u16,
    peers: u16,
    server: u16,
}

/// Where the binaries are; none, which is said, where they are not.
pub fn binaries() -> Option<PathBuf> {
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache/tidegate-cluster/bin"));
    let folder = std::env::var_os("TIDEGATE_CLUSTER_BIN").map(PathBuf::from).or_else(home)?;
    let missing: Vec<&str> =
        ["kube-apiserver", "etcd"].into_iter().filter(|name| !folder.join(name).is_file()).collect();
    if missing.is_empty() {
        return Some(folder);
    }
    eprintln!("SKIPPED, nothing was tested here: {} not in {}", missing.join(" and "), folder.display());
    None
}

impl TestServer {
    /// Starts one; none, which is said, where there are no binaries.
    pub async fn start() -> Option<Self> {
        let bin = binaries()?;
        let folder = tempfile::tempdir().unwrap();
        let [etcd, peers, server] = [(); 3].map(|()| free_port());
        let ports = Ports { etcd, peers, server };
        let key = folder.path().join("sa.key");
        let args = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"];
        assert!(Command::new("openssl").args(args).arg(&key).status().unwrap().success());
        // The second one may nothing.
        fs::write(folder.path().join("tokens.csv"), "all,admin,admin,system:masters\nnone,agent,agent\n").unwrap();
        let authority = folder.path().join(AUTHORITY);
        for token in ["all", "none"] {
            let trusted = json!({ "certificate-authority": &authority });
            fs::write(folder.path().join(token), kubeconfig(ports.server, token, trusted).to_string()).unwrap();
        }
        // Before the server runs nobody knows whom it is to be signed by.
        let any = json!({ "insecure-skip-tls-verify": true });
        fs::write(folder.path().join("own"), kubeconfig(ports.server, "all", any).to_string()).unwrap();
        let etcd = start_etcd(&bin, folder.path(), &ports);
        let server = start_server(&bin, folder.path(), &ports);
        let api = Server::KubeConfig(folder.path().join("own")).api().await.unwrap();
        let started = TestServer { folder, bin, ports, etcd, server, api };
        started.ready().await;
        Some(started)
    }

    /// Where it is, as somebody who may everything.
    pub fn server(&self) -> Server {
        Server::KubeConfig(self.kubeconfig())
    }

    /// The kubeconfig of somebody who may everything.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("all")
    }

    /// Where it is, as somebody who may nothing.
    pub fn as_nobody(&self) -> Server {
        Server::KubeConfig(self.folder.path().join("none"))
    }

    /// Creates an object at a path such as `/api/v1/namespaces/default/pods`; what it is then.
    pub async fn create(&self, path: &str, object: &Value) -> Value {
        self.ask(Method::POST, path, "application/json", object).await.unwrap()
    }

    /// What is at a path: an object, or a list of them.
    pub async fn read(&self, path: &str) -> Value {
        self.api.0.request(Request::get(path).body(Vec::new()).unwrap()).await.unwrap()
    }

    /// Changes an object, or its status, as a merge patch does.
    pub async fn patch(&self, path: &str, patch: &Value) -> Value {
        self.ask(Method::PATCH, path, "application/merge-patch+json", patch).await.unwrap()
    }

    /// Deletes an object at once.
    pub async fn delete(&self, path: &str) {
        let now = json!({ "gracePeriodSeconds": 0 });
        self.ask(Method::DELETE, path, "application/json", &now).await.unwrap();
    }

    /// Ends the server, and not what it has stored.
    pub fn stop(&mut self) {
        end(&mut self.server);
    }

    /// Starts it again, at the same address.
    pub async fn start_again(&mut self) {
        self.server = start_server(&self.bin, self.folder.path(), &self.ports);
        self.ready().await;
    }

    /// Starts it again, with certificates of another authority, which those who may ask find where the old one was.
    pub async fn renew_certificates(&mut self) {
        fs::remove_dir_all(self.folder.path().join(CERTIFICATES)).unwrap();
        self.start_again().await;
    }

    /// The authority that it is trusted by.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.folder.path().join(AUTHORITY)).unwrap()
    }

    async fn ask(&self, method: Method, path: &str, content: &str, body: &Value) -> Result<Value, kube::Error> {
        let request = Request::builder().method(method).uri(path).header("content-type", content);
        self.api.0.request(request.body(body.to_string().into_bytes()).unwrap()).await
    }

    /// Waits until it answers and has made the namespaces that each cluster has.
    async fn ready(&self) {
        let asking = async {
            let paths = ["/readyz?verbose=false", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"];
            for path in paths {
                while self.api.0.request_text(Request::get(path).body(Vec::new()).unwrap()).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        let log = || fs::read_to_string(self.folder.path().join("kube-apiserver.log")).unwrap_or_default();
        assert!(tokio::time::timeout(PATIENCE, asking).await.is_ok(), "it does not start:\n{}", log());
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        end(&mut self.server);
        end(&mut self.etcd);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn kubeconfig(port: u16, token: &str, mut cluster: Value) -> Value {
    cluster["server"] = json!(format!("https://127.0.0.1:{port}"));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "c", "cluster": cluster }],
        "users": [{ "name": "u", "user": { "token": token } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "c",
    })
}

fn start_etcd(bin: &Path, folder: &Path, ports: &Ports) -> Child {
    let (clients, peers) = (format!("http://127.0.0.1:{}", ports.etcd), format!("http://127.0.0.1:{}", ports.peers));
    let mut command = Command::new(bin.join("etcd"));
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args(["--unsafe-no-fsync", "--log-level", "error", "--initial-cluster", &format!("default={peers}")]);
    command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
    command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
    spawned(command, &folder.join("etcd.log"))
}

fn start_server(bin: &Path, folder: &Path, ports: &Ports) -> Child {
    let key = folder.join("sa.key");
    let mut command = Command::new(bin.join("kube-apiserver"));
    command.arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd));
    command.arg(format!("--secure-port={}", ports.server));
    command.args(["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none", "--authorization-mode=RBAC"]);
    command.args(["--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24"]);
    // Nobody makes service accounts here, nor the tokens of pods.
    command.arg("--disable-admission-plugins=ServiceAccount");
    command.arg("--service-account-key-file").arg(&key).arg("--service-account-signing-key-file").arg(&key);
    command.arg("--token-auth-file").arg(folder.join("tokens.csv")).arg("--cert-dir").arg(folder.join(CERTIFICATES));
    spawned(command, &folder.join("kube-apiserver.log"))
}

fn spawned(mut command: Command, log: &Path) -> Child {
    let log = fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}
