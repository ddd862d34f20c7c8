//! The contract as it is, through the sandbox itself: what is counted is what it charges to the processor.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use host_component::{Consumer, Delivery, Outcome, Payload};
use host_telemetry::Metrics;
use host_wasm::{GrantsConfig, ModulesConfig, ProcessorConfig, Sandbox};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::guests::Guests;
use crate::{Way, Work};

#[derive(Default)]
struct Sink(Mutex<Option<Delivery>>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        *self.0.lock().expect("no holder panics") = Some(delivery);
        Box::pin(async { Ok(()) })
    }
}

/// A sandbox with one processor.
struct Rig {
    runtime: Runtime,
    processor: Arc<dyn Consumer>,
    sink: Arc<Sink>,
    metrics: Metrics,
    _folder: TempDir,
}

pub(crate) fn ways(guests: &Guests) -> Result<Vec<Way>> {
    let (pushed, plain) = (Rig::new(&guests.edits, true)?, Rig::new(&guests.edits, false)?);
    Ok(vec![
        Way {
            name: "cells in, edits out, the host runs the patterns",
            run: Box::new(move |request| pushed.run(request)),
        },
        Way {
            name: "cells in, edits out, the guest runs the patterns",
            run: Box::new(move |request| plain.run(request)),
        },
    ])
}

impl Rig {
    fn new(component: &[u8], pushdown: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("abi.wasm"), component)?;
        let all = GrantsConfig { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
        let mut config = ModulesConfig { cache: Some("cache".into()), ..ModulesConfig::default() };
        config.grants.insert("abi".to_owned(), all);
        config.limits.threads = Some(1);
        let (metrics, sink, runtime) = (Metrics::new(), Arc::<Sink>::default(), Runtime::new()?);
        let sandbox = Sandbox::start(config, &[], metrics.clone(), folder.path().to_path_buf())?;
        let config = ProcessorConfig {
            module: "./abi.wasm".to_owned(),
            config: Some(serde_json::json!({ "pushdown": pushdown })),
            ..ProcessorConfig::default()
        };
        let next = Arc::<Sink>::clone(&sink);
        let processor = sandbox.processor("wasm/abi".parse()?, "logs".parse()?, config, &[], next)?;
        let ready = runtime.block_on(sandbox.ready());
        ready.map_err(|failures| anyhow::anyhow!("the guest does not load: {failures:?}"))?;
        Ok(Rig { runtime, processor, sink, metrics, _folder: folder })
    }

    fn run(&self, request: &Payload) -> Result<Work> {
        let before = self.charged()?;
        self.runtime.block_on(self.processor.consume(Delivery::new(request.clone())))?;
        let out = self.sink.0.lock().expect("no holder panics").take().context("the sink has the batch")?;
        Ok(Work { nanos: self.charged()? - before, out: out.payload.contiguous().into() })
    }

    fn charged(&self) -> Result<u64> {
        let rendered = self.metrics.render();
        let line = rendered.lines().find(|line| line.starts_with("tidegate_processor_cpu_nanoseconds_total{"));
        let value = line.and_then(|line| line.rsplit(' ').next()).context("the metric is there")?;
        Ok(value.parse::<u64>()?)
    }
}
