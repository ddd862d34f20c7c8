//! A collector under supervision: started, killed, stopped, and started again when it ends by itself.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;

/// How long a collector may take to be ready: on a busy machine it compiles its modules for a while.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct Process {
    name: &'static str,
    binary: PathBuf,
    config: PathBuf,
    log: PathBuf,
    health: SocketAddr,
    clock: Option<Clock>,
    child: Option<Child>,
    pub(crate) starts: u32,
}

impl Process {
    /// Writes the configuration into `folder`; nothing runs yet.
    pub(crate) fn new(
        name: &'static str,
        binary: &Path,
        folder: &Path,
        config: &str,
        health: SocketAddr,
        clock: Option<Clock>,
    ) -> Result<Process> {
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, config).with_context(|| path.display().to_string())?;
        let log = folder.join(format!("{name}.log"));
        let (binary, config) = (binary.to_owned(), path);
        Ok(Process { name, binary, config, log, health, clock, child: None, starts: 0 })
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log).context("the collector's log")?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Some(clock) = &self.clock {
            clock.apply(&mut command);
        }
        let child = command.spawn().with_context(|| self.binary.display().to_string())?;
        self.child = Some(child);
        self.starts += 1;
        Ok(())
    }

    pub(crate) async fn start_and_wait(&mut self) -> Result<()> {
        self.start()?;
        if self.ready().await? {
            return Ok(());
        }
        bail!("the {} ended before it was ready; its log is {}", self.name, self.log.display())
    }

    /// Waits until it is ready; false where it ended before.
    pub(crate) async fn ready(&mut self) -> Result<bool> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.ended()?.is_some() {
                return Ok(false);
            }
            if matches!(tokio::time::timeout(Duration::from_secs(2), healthy(self.health)).await, Ok(Ok(true))) {
                return Ok(true);
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("the {} is not ready after {} s; its log is {}", self.name, PATIENCE.as_secs(), self.log.display())
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub(crate) fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// How it ended, where it did so by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<String>> {
        let Some(child) = &mut self.child else { return Ok(Some("was not started".to_owned())) };
        Ok(child.try_wait()?.map(|status| format!("ended with {status}")))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        kill(Pid::from_raw(child.id() as i32), signal).with_context(|| format!("{signal} to the {}", self.name))
    }

    /// Stops it between two system calls: none of its threads is in the kernel, waiting for a disk, when this returns.
    pub(crate) async fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        let Some(child) = &self.child else { return Ok(()) };
        let end = Instant::now() + PATIENCE;
        while !is_stopped(child.id())? {
            ensure!(Instant::now() < end, "the {} does not stop", self.name);
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).with_context(|| format!("killing the {}", self.name))?;
        Ok(())
    }

    /// SIGTERM, and waits for its end; what it exits with is told.
    pub(crate) async fn terminate(&mut self, patience: Duration) -> Result<Option<i32>> {
        self.signal(Signal::SIGTERM)?;
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                self.child = None;
                return Ok(status.code());
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.kill()?;
        Ok(None)
    }

    /// Anonymous resident memory, in bytes.
    pub(crate) fn anonymous(&self) -> Result<u64> {
        let child = self.child.as_ref().context("it does not run")?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("RssAnon")?;
        Ok(kib << 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether each thread of a process is stopped, or gone.
fn is_stopped(pid: u32) -> Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that ends meanwhile is not there to be read.
        let Ok(stat) = std::fs::read_to_string(thread?.path().join("stat")) else { continue };
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
        if !matches!(state, Some("T" | "t" | "Z" | "X")) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn healthy(address: SocketAddr) -> std::io::Result<bool> {
    Ok(get(address, "/").await?.starts_with("HTTP/1.1 200"))
}

/// What a server answers to a GET, with its head.
pub(crate) async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut tcp = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: collector\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// A port that nobody has, below those that the kernel gives to clients: a collector that is started again finds it free.
pub(crate) fn free_port() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    // Harnesses that run beside each other have process numbers close together, and look at ports far apart.
    const EACH: u32 = 64;
    let own = std::process::id().wrapping_mul(EACH);
    loop {
        let offset = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + own.wrapping_add(offset) % PORTS;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
