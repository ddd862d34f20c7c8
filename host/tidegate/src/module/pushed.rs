//! `tidegate module push`, `undo` and `status`: modules of a cluster.

mod push;
mod status;
mod wait;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use host_kubernetes::{Access, Api, AuthType, Server};
use host_modules::{Published, Told};
use tokio::runtime::Runtime;

pub(super) use self::push::{PushArgs, UndoArgs, push, undo};
pub(super) use self::status::{StatusArgs, status};
use super::{grouped, told};

/// Which cluster is meant, and where in it.
#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// The context of the kubeconfig ($KUBECONFIG or ~/.kube/config), where it is not the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The namespace of the hosts; that of the context where it is not named
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<String>,
}

/// A cluster, and the thread that waits for it.
struct Cluster {
    runtime: Runtime,
    api: Api,
    namespace: String,
}

impl Place {
    /// # Errors
    /// There is no such context.
    fn cluster(&self) -> anyhow::Result<Cluster> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let access = Access { auth_type: AuthType::KubeConfig, context: self.context.clone(), ..Access::default() };
        let api = runtime.block_on(Server::As(access).api()).context("cannot ask the cluster")?;
        let namespace = self.namespace.clone().unwrap_or_else(|| api.namespace_of_its_own().to_owned());
        Ok(Cluster { runtime, api, namespace })
    }
}

/// Tells what is done while it is done.
fn tell(what: Told) {
    match what {
        Told::Part { name, bytes } => {
            told::status("Written", &format!("part {name} ({} bytes)", grouped(bytes as u64)));
        }
        Told::Head { name, revision } => told::status("Written", &format!("head {name}, revision {revision}")),
        Told::NotRemoved { why } => told::warning(&format!("what no revision needs is still there: {why}")),
        Told::Removed { name } => told::status("Removed", &format!("{name}, which no revision needs")),
    }
}

/// Waits until each host has it, where that is wanted.
fn finish(
    cluster: &Cluster,
    published: &Published,
    patience: Option<Duration>,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    writeln!(out, "{} revision {} sha256:{}", published.module, published.revision, published.digest)?;
    match patience {
        None => Ok(ExitCode::SUCCESS),
        Some(patience) => wait::wait(cluster, published, patience),
    }
}
