//! Fills a queue on disk while its backend is away, then empties it while input goes on: what that takes of CPU, of disk
//! and of memory. `cargo run --release --example load -- FOLDER MIB [no-sync]`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Outcome};
use host_config::delivery::{Retry, SendingQueue};
use host_otlp::{Limits, Signal};
use host_queue::{Config, Durable, Manner, Queue, folder_name};
use host_telemetry::Metrics;
use rustix::time::{ClockId, clock_gettime};

const RECORDS: usize = 100;
const SENDERS: u64 = 32;

#[derive(Default)]
struct Backend {
    is_up: AtomicBool,
    items: AtomicU64,
}

impl Consumer for Backend {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            if !self.is_up.load(Ordering::Relaxed) {
                return Err(Failure::retryable("away"));
            }
            self.items.fetch_add(delivery.payload.items(), Ordering::Relaxed);
            Ok(())
        })
    }
}

impl Exporter for Backend {}

/// A field of less than 16 KiB with its head.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let (low, high) = ((content.len() & 127) as u8 | 128, (content.len() >> 7) as u8);
    [&[number << 3 | 2, low, high], content].concat()
}

/// One request of a hundred log records of some 250 bytes.
fn request() -> Delivery {
    let record: Vec<u8> = (0..250).map(|n| b'a' + (n * 7 % 26) as u8).collect();
    let record = field(1, &field(2, &field(2, &field(5, &field(1, &record)))));
    let bytes = Bytes::from(record.repeat(RECORDS));
    Delivery::new(host_otlp::check(Signal::Logs, bytes, &Limits::default()).expect("it is a request"))
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A number of a file of the kernel's about this process.
fn number(file: &str, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Sends so many requests, as many at a time as there are senders.
async fn send(durable: &Arc<Durable>, requests: u64) {
    let left = Arc::new(AtomicU64::new(requests));
    let senders = (0..SENDERS).map(|_| {
        let (durable, left, request) = (Arc::clone(durable), Arc::clone(&left), request());
        tokio::spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                while durable.consume(request.clone()).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("a sender ends");
    }
}

struct Mark {
    at: Instant,
    cpu: Duration,
    written: u64,
}

impl Mark {
    fn now() -> Self {
        Mark { at: Instant::now(), cpu: cpu(), written: number("io", "write_bytes:") }
    }

    fn tell(&self, what: &str, requests: u64, payload: u64) {
        let (wall, cpu) = (self.at.elapsed(), cpu() - self.cpu);
        let written = number("io", "write_bytes:") - self.written;
        println!(
            "{what}: {requests} requests in {:.1} s, {:.0} ns CPU an item, {:.2} bytes written a byte of payload, {} MiB anonymous",
            wall.as_secs_f64(),
            cpu.as_nanos() as f64 / (requests * RECORDS as u64) as f64,
            written as f64 / payload as f64,
            number("status", "RssAnon:") >> 10,
        );
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().expect("name a folder"));
    let mib: u64 = args.next().and_then(|mib| mib.parse().ok()).unwrap_or(256);
    let fsync = args.next().is_none();
    let id: ComponentId = "otlp/load".parse().expect("it is an id");
    let config = Config { fsync, create_directory: true, ..Config::default() };
    let metrics = Metrics::new();
    let queue = Queue::open(&id, &folder, &folder_name("otlp", &id), &config, &metrics).await.expect("a queue");
    let sending = SendingQueue { queue_size: usize::MAX, ..SendingQueue::default() };
    let retry = Retry { initial_interval: Duration::from_millis(500), ..Retry::default() };
    let backend = Arc::new(Backend::default());
    let inner: Arc<dyn Exporter> = backend.clone();
    let durable = Arc::new(Durable::new(&id, queue, inner, Manner { queue: sending, retry }, &config, &metrics));
    durable.start();
    let bytes = request().payload.len() as u64;
    let requests = (mib << 20) / bytes;

    // What a steady state takes, with the backend there.
    backend.is_up.store(true, Ordering::Relaxed);
    let (mark, steady) = (Mark::now(), requests.min(4000));
    send(&durable, steady).await;
    mark.tell("through", steady, steady * bytes);

    backend.is_up.store(false, Ordering::Relaxed);
    let mark = Mark::now();
    send(&durable, requests).await;
    mark.tell("queued", requests, requests * bytes);

    backend.is_up.store(true, Ordering::Relaxed);
    let mark = Mark::now();
    send(&durable, requests / 4).await;
    mark.tell("input while it empties", requests / 4, requests / 4 * bytes);
    let all = (steady + requests + requests / 4) * RECORDS as u64;
    while backend.items.load(Ordering::Relaxed) < all {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mark.tell("emptied", requests + requests / 4, (requests + requests / 4) * bytes);
    durable.stop_retrying();
    durable.drain().await;
}
