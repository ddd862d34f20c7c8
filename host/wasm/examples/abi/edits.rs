//! The contract as it is, through the sandbox itself: what is counted is what it charges to the processor.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use futures_util::future::{BoxFuture, try_join_all};
use host_component::{Consumer, Delivery, Outcome, Payload};
use host_telemetry::Metrics;
use host_wasm::{GrantsConfig, ModulesConfig, ProcessorConfig, Sandbox};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::guests::Guests;
use crate::{Way, Work};

#[derive(Default)]
struct Sink(Mutex<Vec<Delivery>>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        self.0.lock().expect("no holder panics").push(delivery);
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
            run: Box::new(move |requests| pushed.run(requests)),
        },
        Way {
            name: "cells in, edits out, the guest runs the patterns",
            run: Box::new(move |requests| plain.run(requests)),
        },
    ])
}

impl Rig {
    fn new(component: &[u8], pushdown: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("abi.wasm"), component)?;
        let all = GrantsConfig { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() };
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

    /// All at once: the one thread of the pool takes them from its queue in their order.
    fn run(&self, requests: &[Payload]) -> Result<Work> {
        let before = self.charged()?;
        let calls = requests.iter().map(|request| self.processor.consume(Delivery::new(request.clone())));
        self.runtime.block_on(try_join_all(calls))?;
        let nanos = self.charged()? - before;
        let deliveries = std::mem::take(&mut *self.sink.0.lock().expect("no holder panics"));
        ensure!(deliveries.len() == requests.len(), "each request comes out as one");
        Ok(Work { nanos, out: deliveries.into_iter().map(|delivery| delivery.payload.contiguous().into()).collect() })
    }

    fn charged(&self) -> Result<u64> {
        let rendered = self.metrics.render();
        let line = rendered.lines().find(|line| line.starts_with("tidegate_processor_cpu_seconds_total{"));
        let value = line.and_then(|line| line.rsplit(' ').next()).context("the metric is there")?;
        let seconds: f64 = value.parse()?;
        Ok((seconds * 1e9).round() as u64)
    }
}
