//! What the collector tells about itself over OTLP: records of its log, and the spans of [`crate::traces`].
//!
//! Whoever has something to tell puts it into a bounded queue and goes on; what does not fit is dropped and counted. One
//! thread of its own, with a runtime of its own, sends what is in the queues: a backend that is slow or away holds up
//! nothing else, and all that is logged on that thread is known to be about the sending, so that it is never sent itself.

mod queue;
mod records;
mod resource;
mod worker;

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use host_component::{Exporter, Shutdown, Signal, Trigger};
use host_config::Telemetry;
use host_config::telemetry::{Batching, OwnOtlp, Processor};
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::queue::{Counts, Queue, offer, queue};
use self::records::Record;
pub use self::records::Records;
use self::resource::Resource;
use self::worker::Worker;
use crate::{Metrics, traces};

/// How long records wait for others where nothing is said about it, as in the Collector.
const LOGS_DELAY: Duration = Duration::from_secs(1);
const TRACES_DELAY: Duration = Duration::from_secs(5);

thread_local! {
    static IS_SENDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread sends what is told over OTLP.
fn is_sending() -> bool {
    IS_SENDING.get()
}

/// Why own telemetry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("service.telemetry.{key}")]
    Exporter {
        key: String,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    #[error("cannot start the thread that sends own telemetry")]
    Thread(#[source] io::Error),
}

/// An exporter that is to be built.
pub struct Wanted<'a> {
    pub signal: Signal,
    /// Where its section stands below `service.telemetry`.
    pub key: &'a str,
    pub otlp: &'a OwnOtlp,
}

/// Makes an exporter that reports nothing to the metrics of the collector. It is called within the runtime that it will send in.
pub type Build<'a> = dyn Fn(&Wanted<'_>) -> Result<Arc<dyn Exporter>, Box<dyn Error + Send + Sync>> + 'a;

/// What is sent, as long as it is. Dropping it ends that without waiting.
#[derive(Default)]
pub struct Own {
    records: Option<Records>,
    sending: Option<Sending>,
}

struct Sending {
    end: Trigger,
    exporters: Vec<Arc<dyn Exporter>>,
    ended: mpsc::Receiver<()>,
}

/// Starts to send what `telemetry` asks for, which may be nothing.
///
/// # Errors
/// When an exporter cannot be built, or there is no thread to be had.
pub fn start(telemetry: &Telemetry, metrics: &Metrics, build: &Build<'_>) -> Result<Own, StartError> {
    let mut setup = Setup { runtime: None, metrics, build, workers: Vec::new(), exporters: Vec::new() };
    let resource = Arc::new(Resource::of(&telemetry.resource));
    let mut records = Vec::new();
    for (index, processor) in telemetry.logs.processors.iter().enumerate() {
        let (key, resource) = (format!("logs.processors[{index}]"), Arc::clone(&resource));
        let encode = move |batch| records::encode(&resource, batch);
        let place = Place { signal: Signal::Logs, key, processor, delay: LOGS_DELAY };
        records.extend(setup.outlet::<Record>(place, Box::new(encode))?);
    }
    if telemetry.traces.are_on() {
        let mut spans = Vec::new();
        for (index, processor) in telemetry.traces.processors.iter().enumerate() {
            let (key, resource) = (format!("traces.processors[{index}]"), Arc::clone(&resource));
            let encode = move |batch| traces::encode(&resource.attributes(), batch);
            let place = Place { signal: Signal::Traces, key, processor, delay: TRACES_DELAY };
            spans.extend(setup.outlet(place, Box::new(encode))?);
        }
        traces::install(&telemetry.traces, spans);
    }
    let sending = setup.run()?;
    // Where spans alone are sent, the log is not told of each attempt either.
    let records = sending.is_some().then(|| Records::to(records));
    Ok(Own { records, sending })
}

impl Own {
    /// What hears the log, where something is sent.
    pub(crate) fn records(&self) -> Option<Records> {
        self.records.clone()
    }

    /// Sends what is left, for as long as `patience` at most.
    pub fn drain(self, patience: Duration) {
        let Some(Sending { end, exporters, ended }) = self.sending else { return };
        end.fire();
        exporters.iter().for_each(|exporter| exporter.stop_retrying());
        // Where it takes longer, what is left is lost with the process.
        let _ = ended.recv_timeout(patience);
    }
}

/// One processor of the configuration.
struct Place<'a> {
    signal: Signal,
    key: String,
    processor: &'a Processor,
    delay: Duration,
}

type Work = Box<dyn FnOnce(Shutdown) -> BoxFuture<'static, ()> + Send>;

/// What is being set up.
struct Setup<'a> {
    runtime: Option<Runtime>,
    metrics: &'a Metrics,
    build: &'a Build<'a>,
    workers: Vec<Work>,
    exporters: Vec<Arc<dyn Exporter>>,
}

impl Setup<'_> {
    /// A queue with a worker behind it.
    fn outlet<T: Send + 'static>(
        &mut self,
        place: Place<'_>,
        encode: Box<dyn Fn(Vec<T>) -> Vec<u8> + Send + Sync>,
    ) -> Result<Option<Queue<T>>, StartError> {
        let Place { signal, key, processor, delay } = place;
        let Some((below, otlp)) = processor.otlp() else { return Ok(None) };
        let key = format!("{key}.{below}");
        let runtime = match &mut self.runtime {
            Some(runtime) => runtime,
            none => none.insert(runtime()?),
        };
        let exporter = {
            let _context = runtime.enter();
            (self.build)(&Wanted { signal, key: &key, otlp })
        };
        let exporter = exporter.map_err(|cause| StartError::Exporter { key, cause })?;
        let batching: Batching = processor.batching(delay);
        let counts = Counts::new(signal, self.metrics);
        let (queue, incoming) = queue(batching.queue, counts.clone());
        let worker = Worker { signal, batching, incoming, encode, exporter: Arc::clone(&exporter), counts };
        self.workers.push(Box::new(move |shutdown| Box::pin(worker.run(shutdown))));
        self.exporters.push(exporter);
        Ok(Some(queue))
    }

    /// Has the workers run on a thread of their own, where there are any.
    fn run(self) -> Result<Option<Sending>, StartError> {
        let Setup { runtime, workers, exporters, .. } = self;
        let Some(runtime) = runtime else { return Ok(None) };
        let (end, shutdown) = Trigger::new();
        let (tell, ended) = mpsc::channel();
        let work = move || {
            IS_SENDING.set(true);
            runtime.block_on(join_all(workers.into_iter().map(|work| work(shutdown.clone()))));
            // Nobody may be waiting for it.
            let _ = tell.send(());
            runtime.shutdown_background();
        };
        thread::Builder::new().name("own-telemetry".to_owned()).spawn(work).map_err(StartError::Thread)?;
        Ok(Some(Sending { end, exporters, ended }))
    }
}

fn runtime() -> Result<Runtime, StartError> {
    Builder::new_current_thread()
        .enable_all()
        .thread_name("own-telemetry")
        .on_thread_start(|| IS_SENDING.set(true))
        .build()
        .map_err(StartError::Thread)
}

#[cfg(test)]
mod tests;
