//! What every scenario stands on: backends, a gateway before them, and the folder in which all of it lies.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::backend::{Backend, Refusals};
use crate::hop::Hop;
use crate::journal::Journal;
use crate::load::Plan;
use crate::topology::{Ports, Target, Waiting};
use crate::truth::Truth;
use crate::wire::Protocol;

/// What the command line says that every scenario needs.
pub(crate) struct Setting {
    pub(crate) tidegate: PathBuf,
    pub(crate) otelcol: Option<PathBuf>,
    pub(crate) seed: u64,
    /// Without, a sender waits until its data was delivered.
    pub(crate) has_queues: bool,
    /// Whether this process has mounts of its own.
    pub(crate) has_mounts: bool,
    /// Where configurations, logs and queues lie; kept when it was named.
    pub(crate) folder: Folder,
}

pub(crate) enum Folder {
    Named(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    pub(crate) fn new(named: Option<PathBuf>) -> Result<Folder> {
        Ok(match named {
            Some(path) => {
                std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
                Folder::Named(path.canonicalize()?)
            }
            None => Folder::Temporary(tempfile::Builder::new().prefix("tidegate-faults-").tempdir()?),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Folder::Named(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }
}

/// The backends and the ways to them.
pub(crate) struct Rig {
    pub(crate) journal: Arc<Journal>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) backends: Vec<Arc<Backend>>,
    pub(crate) hops: Vec<Hop>,
    protocols: Vec<Protocol>,
}

impl Rig {
    /// Backends that speak these protocols, each behind a hop.
    pub(crate) async fn new(plan: &Plan, protocols: &[Protocol]) -> Result<Rig> {
        let (journal, truth) = (Arc::new(Journal::new()), Arc::new(plan.truth()));
        let (mut backends, mut hops) = (Vec::new(), Vec::new());
        for index in 0..protocols.len() {
            let backend = Backend::start(index, &journal, &truth).await?;
            // What the hop before a backend turns away, this backend alone may lack; it keeps that itself.
            hops.push(Hop::start(crate::process::free_port(), backend.address(), backend.refusals())?);
            backends.push(backend);
        }
        let refusals = Arc::default();
        Ok(Rig { journal, truth, refusals, backends, hops, protocols: protocols.to_vec() })
    }

    /// Where the gateway's exporters send.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let hops = self.hops.iter().zip(&self.protocols);
        hops.map(|(hop, protocol)| Target { protocol: *protocol, address: hop.address() }).collect()
    }
}

impl Setting {
    /// What an exporter does with what it cannot send, with a queue in this folder where there are queues.
    pub(crate) fn waiting<'a>(&self, folder: &'a Path, mib: u64) -> Waiting<'a> {
        match self.has_queues {
            true => Waiting::Queue { folder, mib },
            false => Waiting::Sender { seconds: 5 },
        }
    }
}

/// Clients of both protocols that send to a collector.
pub(crate) fn plan(ports: Ports, seed: u64) -> Plan {
    clients(ports.grpc, ports.http, seed)
}

pub(crate) fn clients(grpc: SocketAddr, http: SocketAddr, seed: u64) -> Plan {
    Plan {
        grpc: Some(grpc),
        http: Some(http),
        signals: crate::wire::Signal::ALL.to_vec(),
        workers: 4,
        items_per_request: 20,
        text_bytes: 100,
        seed,
    }
}
