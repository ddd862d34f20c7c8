//! Waiting until each host has what was published.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use host_modules::{Host, Published, Report};
use tokio::time::sleep;

use super::{Cluster, told};

const PAUSE: Duration = Duration::from_millis(500);
/// A host writes its annotation no oftener than each ten seconds; one that has said nothing by then has none of these.
const SILENCE: Duration = Duration::from_secs(15);

/// Waits, and tells of each host once it has it, or refuses it.
///
/// # Errors
/// A host refuses it, or has not said within `patience` that it has it.
pub(super) fn wait(cluster: &Cluster, published: &Published, patience: Duration) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut told: BTreeSet<String> = BTreeSet::new();
    loop {
        let hosts = cluster.runtime.block_on(host_modules::hosts(&cluster.api, &cluster.namespace))?;
        // Also one that has nothing of it yet.
        let has_module = |host: &&Host| host.wanted.contains(&published.module);
        let (mut waits, mut refused, mut count) = (Vec::new(), Vec::new(), 0);
        for host in hosts.iter().filter(has_module) {
            count += 1;
            let is_of_head =
                |report: &&Report| report.head.as_ref() == Some(&published.head) && report.module == published.module;
            let Some(report) = host.modules.iter().find(is_of_head) else {
                waits.push(host.pod.as_str());
                continue;
            };
            // What a host says of another manifest is not about this one.
            let is_of_it = report.manifest == published.manifest;
            match report.state.as_str() {
                "Live" if is_of_it => {}
                state if !is_of_it || state == "Compiling" => {
                    waits.push(host.pod.as_str());
                    continue;
                }
                state => {
                    refused.push(format!("{}: {state}: {}", host.pod, report.reason));
                    continue;
                }
            }
            if told.insert(host.pod.clone()) {
                told::status("Live", &format!("on {}", host.pod));
            }
        }
        if let Some(first) = refused.first() {
            bail!("{} of {count} hosts refuse it; {first}", refused.len());
        }
        if count > 0 && waits.is_empty() {
            told::status("Live", &format!("on all {count} hosts after {:.1}s", began.elapsed().as_secs_f64()));
            return Ok(ExitCode::SUCCESS);
        }
        if count == 0 && began.elapsed() > SILENCE.min(patience) {
            bail!(
                "no host says that it has the module {}: `modules.kubernetes.pod` has to be set there, and a processor with `source: kubernetes` to name it",
                published.module
            );
        }
        if began.elapsed() > patience {
            bail!("{} of {count} hosts have not said so after {patience:?}: {}", waits.len(), waits.join(", "));
        }
        cluster.runtime.block_on(async { sleep(PAUSE).await });
    }
}
