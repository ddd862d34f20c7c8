//! Loading the modules of a configuration without running it: whether they load, and what each asks for beside what it may.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use host_component::{BoxFuture, Consumer, Delivery, Kind, Outcome};
use host_config::Validated;
use host_telemetry::Metrics;
use host_wasm::{ModulesConfig, QuarantineConfig, Sandbox, Status};

use crate::catalog::canonical;
use crate::{bundled, factories};

/// Behind a processor that gets nothing.
struct Nowhere;

impl Consumer for Nowhere {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Ok(()) })
    }
}

/// Loads the module of each `wasm` processor as a start would, and says what it asks for. No quarantine is opened: a collector
/// may have it.
///
/// # Errors
/// The modules that cannot be loaded, one a line, or what the machine does not provide.
pub(crate) fn show(config: &Validated, out: &mut dyn Write) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let statuses = runtime.block_on(statuses(config))?;
    for status in statuses {
        line(&status, out)?;
    }
    Ok(())
}

async fn statuses(config: &Validated) -> anyhow::Result<Vec<Status>> {
    let modules = ModulesConfig { quarantine: QuarantineConfig::default(), ..factories::modules_config(config)? };
    let sandbox = Sandbox::start(modules, bundled::modules(), Metrics::new(), config.base.clone());
    let sandbox = sandbox.context("cannot start the sandbox")?;
    // A processor that is dropped is not known to the sandbox any more.
    let mut processors = Vec::new();
    for pipeline in &config.pipelines {
        let routes: Vec<String> = pipeline.routes.iter().map(|(name, _)| name.clone()).collect();
        for id in pipeline.processors.iter().filter(|id| canonical(Kind::Processor, id) == "wasm") {
            let Some(section) = config.processors.get(id) else { continue };
            let (id, pipeline) = (id.clone(), pipeline.id.clone());
            let processor = sandbox.processor(id, pipeline, section.decode()?, &routes, Arc::new(Nowhere));
            processors.push(processor.map_err(|error| anyhow!(section.problem(error.to_string()).to_string()))?);
        }
    }
    factories::load(&sandbox, config).await?;
    Ok(sandbox.status())
}

fn line(status: &Status, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{} in {}: the module {}", status.processor, status.pipeline, status.module)?;
    let Some(running) = &status.running else {
        writeln!(out, "  is not there, and the collector may start without it")?;
        return Ok(());
    };
    let paths: Vec<String> = running.reads.iter().map(|read| read.path.clone()).collect();
    for (asked, list) in [
        ("reads", &paths),
        ("may read", &running.granted_reads),
        ("writes", &running.writes),
        ("may write", &running.granted_writes),
    ] {
        let told = if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
        writeln!(out, "  {asked:<9} {told}")?;
    }
    Ok(())
}
