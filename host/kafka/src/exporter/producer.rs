//! The producer: the client that writes, made anew where its own bookkeeping with a broker is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use host_component::{ComponentId, Failure};
use host_exporters::sending::{Denial, TooLarge};
use host_telemetry::{Counter, Gauge, Metrics};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::time::{Instant, sleep};

use super::record::Record;
use crate::client::{Context, failure};

/// How long whoever finds the client's queue full waits before it looks again.
const FULL: Duration = Duration::from_millis(20);
/// How long the end waits for what nobody waits for any more.
const FLUSH: Duration = Duration::from_secs(5);
/// What a broker finds too large is not its size below this, but that of others in the same batch.
const SMALLEST_CUT: usize = 64 << 10;

/// The context of a producer; the client wants one of its own, which lives longer than any one producer.
#[derive(Clone)]
struct Shared(Arc<Context>);

impl ClientContext for Shared {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

type Inner = FutureProducer<Shared>;

/// What writes records.
pub(crate) struct Client {
    id: String,
    settings: ClientConfig,
    context: Arc<Context>,
    current: ArcSwapOption<Inner>,
    /// Held while one is made anew.
    renewing: Mutex<()>,
    written: Counts,
    failed: Counts,
    queued: Gauge,
    renewed: Counter,
}

struct Counts {
    records: Counter,
    bytes: Counter,
}

impl Counts {
    fn new(exporter: &str, outcome: &str, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter), ("outcome", outcome)];
        let bytes = "Bytes of the records that were written, or not, before compression.";
        Counts {
            records: metrics.counter("otelcol_kafka_exporter_records", "Records that were written, or not.", &labels),
            bytes: metrics.counter("otelcol_kafka_exporter_bytes_uncompressed", bytes, &labels),
        }
    }

    fn add(&self, record: &Record) {
        self.records.inc();
        self.bytes.inc_by(record.value.len() as u64);
    }
}

impl Client {
    pub(crate) fn new(id: &ComponentId, settings: ClientConfig, metrics: &Metrics) -> KafkaResult<Self> {
        let id = id.to_string();
        let context = Arc::new(Context::new(id.clone()));
        let first = Inner::from_config_and_context(&settings, Shared(Arc::clone(&context)))?;
        let labels = [("exporter", id.as_str())];
        Ok(Client {
            current: ArcSwapOption::from_pointee(first),
            renewing: Mutex::new(()),
            written: Counts::new(&id, "success", metrics),
            failed: Counts::new(&id, "failure", metrics),
            queued: metrics.gauge(
                "tidegate_kafka_exporter_queued_records",
                "Records that the client holds and that are not acknowledged yet.",
                &labels,
            ),
            renewed: metrics.counter(
                "tidegate_kafka_exporter_clients_renewed",
                "Clients that were made anew, since a broker did not know their sequence any more.",
                &labels,
            ),
            settings,
            context,
            id,
        })
    }

    /// Writes a record, and waits until it is acknowledged. Longer than `timeout` it does not wait for room.
    pub(crate) async fn write(&self, record: &Record, timeout: Duration) -> Result<(), Denial> {
        let Some(producer) = self.current.load_full() else {
            return Err(Denial::Failed(Failure::retryable(format!("{}: the client has ended", self.id))));
        };
        let outcome = written(&producer, record, timeout).await;
        self.queued.set(i64::from(producer.in_flight_count()));
        let Err(code) = outcome else {
            self.written.add(record);
            self.context.is_well();
            return Ok(());
        };
        self.failed.add(record);
        if code == RDKafkaErrorCode::Fatal || producer.client().fatal_error().is_some() {
            self.renew(&producer);
        }
        Err(self.denial(record, code))
    }

    fn denial(&self, record: &Record, code: RDKafkaErrorCode) -> Denial {
        let (topic, size) = (&record.topic, record.value.len());
        if code != RDKafkaErrorCode::MessageSizeTooLarge {
            return Denial::Failed(failure(&self.id, topic, code, self.context.says().as_deref()));
        }
        let is_own = size + record.overhead() > self.most();
        let reason = format!(
            "{}: topic {topic}: a record of {size} bytes is too large; raise `max.message.bytes` of the topic and \
             `producer.max_message_bytes`, or lower the latter to what the topic takes",
            self.id
        );
        if !is_own && size < SMALLEST_CUT {
            return Denial::Failed(Failure::retryable(reason));
        }
        Denial::TooLarge(TooLarge { reason, limit: None, is_own })
    }

    /// The most that a record may take.
    fn most(&self) -> usize {
        self.settings.get("message.max.bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(usize::MAX)
    }

    /// Makes a new client in the place of `failed`, where nobody has done that yet.
    fn renew(&self, failed: &Arc<Inner>) {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.current.load().as_ref().is_none_or(|current| !Arc::ptr_eq(current, failed)) {
            return;
        }
        match Inner::from_config_and_context(&self.settings, Shared(Arc::clone(&self.context))) {
            Ok(fresh) => {
                tracing::warn!(exporter = self.id, "the client of Kafka cannot go on, and was made anew");
                self.renewed.inc();
                self.current.store(Some(Arc::new(fresh)));
            }
            Err(error) => tracing::warn!(exporter = self.id, %error, "the client of Kafka cannot be made anew"),
        }
    }

    /// Has the client write what it still holds.
    pub(crate) async fn flush(&self) {
        let Some(producer) = self.current.load_full() else { return };
        // It blocks its thread.
        let flushed = tokio::task::spawn_blocking(move || producer.flush(FLUSH)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(exporter = self.id, %error, "records that nobody waits for were not acknowledged");
        }
    }
}

/// The end of a client takes a moment, in which a thread of the runtime would stand still.
impl Drop for Client {
    fn drop(&mut self) {
        if let Some(producer) = self.current.swap(None) {
            let _ = std::thread::Builder::new().name("kafka-end".to_owned()).spawn(move || drop(producer));
        }
    }
}

async fn written(producer: &Inner, record: &Record, timeout: Duration) -> Result<(), RDKafkaErrorCode> {
    let code = |error: &KafkaError| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
    let began = Instant::now();
    let delivery = loop {
        let message = FutureRecord { headers: record.headers(), ..message(record) };
        match producer.send_result(message) {
            Ok(delivery) => break delivery,
            Err((error, _)) if code(&error) == RDKafkaErrorCode::QueueFull && began.elapsed() < timeout => {
                sleep(FULL).await;
            }
            Err((error, _)) => return Err(code(&error)),
        }
    };
    match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(code(&error)),
        // The client was made anew meanwhile.
        Err(_) => Err(RDKafkaErrorCode::PurgeQueue),
    }
}

fn message(record: &Record) -> FutureRecord<'_, [u8], [u8]> {
    let message = FutureRecord::to(&record.topic).payload(&record.value[..]);
    match &record.key {
        Some(key) => message.key(&key[..]),
        None => message,
    }
}
