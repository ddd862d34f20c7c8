//! The collector under test: the real binary, in a folder and on a loopback address of its own.
//!
//! A configuration names the address as `${env:HOST}`, so that tests that run at once may all use the Collector's ports,
//! and the folder for native code, which they share, as `${env:CACHE}`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::metrics::Metrics;
use super::{Log, eventually};

/// The binary under test, ready for arguments.
pub(crate) fn tidegate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
}

/// A loopback address that no other test of this machine uses at this time.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A collector that is being set up.
pub(crate) struct Setup {
    dir: TempDir,
    host: Ipv4Addr,
    env: Vec<(String, String)>,
    args: Vec<String>,
}

impl Setup {
    /// Writes a file beside the configuration; a module goes to `modules/<name>.wasm`.
    #[must_use]
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write(&self.dir.path().join(path), content.as_ref());
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Where a file of its folder lies.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Closes a folder of its own to everybody else.
    pub(crate) fn make_private(&self, path: &str) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// More arguments, behind those that name the configuration.
    #[must_use]
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = tidegate();
        command
            .current_dir(self.dir.path())
            .env("HOST", self.host.to_string())
            .env("CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/native"))
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `tidegate validate`: whether it passed, and what it printed.
    pub(crate) fn validate(self) -> (bool, String) {
        self.run("validate")
    }

    /// Runs a command that reads the configuration: whether it passed, and what it printed.
    pub(crate) fn run(self, command: &str) -> (bool, String) {
        let output = self.command().args([command, "--config", "tidegate.yaml"]).args(&self.args).output().unwrap();
        let text = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap()).concat();
        (output.status.success(), text)
    }

    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(self) -> Collector {
        let collector = self.spawn();
        collector.log.wait_for(0, &["ready"]).await;
        collector
    }

    /// Starts it and waits until it listens, where its log does not tell that it is ready.
    pub(crate) async fn start_quietly(self) -> Collector {
        let collector = self.spawn();
        eventually("it listens", async || TcpStream::connect(collector.metrics_address()).await.ok()).await;
        collector
    }

    /// Starts it and waits for its end: what it exited with, and what it logged.
    pub(crate) async fn fails(self) -> (ExitStatus, String) {
        let mut collector = self.spawn();
        let status = collector.ended().await;
        (status, collector.log.whole().await)
    }

    fn spawn(self) -> Collector {
        let (child, log) = self.process();
        Collector { child, log, host: self.host, setup: self }
    }

    fn process(&self) -> (Child, Log) {
        let mut command = self.command();
        command
            .args(["--config", "tidegate.yaml"])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let log = Log::follow(child.stderr.take().unwrap());
        (child, log)
    }
}

/// A running collector; it is killed when it is dropped.
pub(crate) struct Collector {
    child: Child,
    pub(crate) log: Log,
    host: Ipv4Addr,
    setup: Setup,
}

impl Collector {
    pub(crate) fn from_yaml(yaml: &str) -> Setup {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("tidegate.yaml"), yaml.as_bytes());
        Setup { dir, host: own_address(), env: Vec::new(), args: Vec::new() }
    }

    pub(crate) fn grpc(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.host), 4317)
    }

    pub(crate) fn http(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.host), 4318)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.setup.dir.path().join(path)
    }

    /// The text of a file in its folder; empty where there is none yet.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Puts a file in place at once, as a deployment does: written beside, then renamed.
    pub(crate) fn replace(&self, path: &str, content: impl AsRef<[u8]>) {
        let (path, beside) = (self.path(path), self.path("replacement"));
        write(&beside, content.as_ref());
        fs::rename(beside, path).unwrap();
    }

    /// Writes over a file where it lies.
    pub(crate) fn overwrite(&self, path: &str, content: impl AsRef<[u8]>) {
        write(&self.path(path), content.as_ref());
    }

    /// The page at `path` of its own endpoint.
    pub(crate) async fn page(&self, path: &str) -> String {
        self.page_of(8888, path).await
    }

    /// The page at `path` of the endpoint on this port.
    pub(crate) async fn page_of(&self, port: u16, path: &str) -> String {
        let answer = self.raw(port, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body.to_owned()
    }

    /// What a port answers to these words, until it closes the connection.
    pub(crate) async fn raw(&self, port: u16, words: &str) -> String {
        let mut stream = TcpStream::connect((self.host, port)).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Where its metrics are.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.host), 8888)
    }

    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics(self.page("/metrics").await)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as Kubernetes does.
    pub(crate) fn signal_term(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Ends it at once, as the kernel does when memory is short.
    pub(crate) fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    /// Ends it at once, and starts it again where it was: it is ready then.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.kill();
        self.ended().await;
        (self.child, self.log) = self.setup.process();
        self.log.wait_for(0, &["ready"]).await;
    }

    /// A second process beside it, in its folder.
    pub(crate) fn beside(&self) -> (Child, Log) {
        self.setup.process()
    }

    /// Asks it to read its configuration again.
    pub(crate) fn signal_hup(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the collector ends", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the collector's log\n{}\n---", self.log.text());
        }
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
