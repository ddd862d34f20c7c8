//! The generator: a closed loop of export requests over a few connections; or so many a second, whatever becomes of those
//! before, where a request's time counts from when it was due.
//!
//! Requests are encoded before the clock starts. Of the first load, a send costs a reference count; of the second, a
//! copy into a buffer of the worker's own and the rewriting of what has to be new.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use clap::Args;
use serde::Serialize;

use crate::data::{self, Shape, Signal, Template, Texts};
use crate::export::{Client, PREFIX, frame};
use crate::rng::Rng;

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value = "127.0.0.1:4317")]
    endpoint: String,
    #[arg(long, value_enum)]
    signal: Signal,
    /// `pods`, or `unique-N` for N items a request that are new each time.
    #[arg(long, default_value_t = Shape::Pods)]
    shape: Shape,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// End after so many requests, however long they take.
    #[arg(long, default_value_t = u64::MAX)]
    requests: u64,
    /// Send so many requests a second, as long as not all that may be under way are; 0 sends as many as are answered.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Requests under way at any time.
    #[arg(long, default_value_t = 16)]
    inflight: usize,
    #[arg(long, default_value_t = 2)]
    conns: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What all workers share.
struct Plan {
    shape: Shape,
    seed: u64,
    start: Instant,
    stop_at: Instant,
    /// From one request to the next, where they come at a rate.
    pause: Option<Duration>,
    requests: u64,
    set: Vec<(Bytes, Template)>,
    texts: Texts,
}

/// What came of the requests.
#[derive(Default, Serialize)]
struct Tally {
    #[serde(skip)]
    claimed: u64,
    seconds: f64,
    requests: u64,
    items: u64,
    bytes: u64,
    rejected_items: u64,
    failed_requests: u64,
    first_failure: Option<String>,
    items_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    #[serde(skip)]
    latencies_us: Vec<u32>,
}

pub async fn run(options: Options) -> Result<(), String> {
    let set = (0..options.shape.templates())
        .map(|i| {
            let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(i);
            let template = data::build(options.signal, options.shape, seed);
            (Bytes::from(frame(&template.body)), template)
        })
        .collect();
    let texts = Texts::new(options.seed);
    let mut clients = Vec::new();
    for _ in 0..options.conns.max(1) {
        clients.push(Client::connect(&options.endpoint, options.signal.grpc_path()).await?);
    }

    let start = Instant::now();
    let stop_at = start + Duration::from_secs_f64(options.seconds);
    let pause = (options.rate > 0.0).then(|| Duration::from_secs_f64(options.rate.recip()));
    let Options { shape, seed, requests, .. } = options;
    let plan = Rc::new(Plan { shape, seed, start, stop_at, pause, requests, set, texts });
    let tally = Rc::new(RefCell::new(Tally::default()));
    let local = tokio::task::LocalSet::new();
    for i in 0..options.inflight {
        local.spawn_local(worker(clients[i % clients.len()].clone(), plan.clone(), tally.clone()));
    }
    local.await;

    let mut tally = tally.borrow_mut();
    tally.finish(start.elapsed());
    println!("{}", serde_json::to_string(&*tally).map_err(|e| e.to_string())?);
    Ok(())
}

impl Tally {
    fn finish(&mut self, elapsed: Duration) {
        self.latencies_us.sort_unstable();
        let at = |q: f64| match self.latencies_us.len() {
            0 => 0.0,
            n => f64::from(self.latencies_us[((n - 1) as f64 * q) as usize]) / 1e3,
        };
        (self.p50_ms, self.p99_ms) = (at(0.50), at(0.99));
        self.seconds = elapsed.as_secs_f64();
        self.items_per_s = self.items as f64 / self.seconds;
    }
}

async fn worker(client: Client, plan: Rc<Plan>, tally: Rc<RefCell<Tally>>) {
    let mut spare = BytesMut::new();
    loop {
        let serial = {
            let mut tally = tally.borrow_mut();
            if tally.claimed >= plan.requests || Instant::now() >= plan.stop_at {
                return;
            }
            tally.claimed += 1;
            tally.claimed - 1
        };
        let due = plan.due(serial);
        if due >= plan.stop_at {
            return;
        }
        tokio::time::sleep_until(due.into()).await;
        let (framed, template) = &plan.set[serial as usize % plan.set.len()];
        let message = match plan.shape {
            Shape::Pods => framed.clone(),
            Shape::Unique(_) => plan.refreshed(framed, template, serial, std::mem::take(&mut spare)),
        };
        let bytes = message.len() as u64;
        let since = if plan.pause.is_some() { due } else { Instant::now() };
        let outcome = client.export(message.clone()).await;
        let latency = since.elapsed().as_micros() as u32;
        if let (Shape::Unique(_), Ok(buffer)) = (plan.shape, message.try_into_mut()) {
            spare = buffer;
        }
        let mut tally = tally.borrow_mut();
        match outcome {
            Ok(rejected) => {
                tally.requests += 1;
                tally.items += template.items - rejected.min(template.items);
                tally.rejected_items += rejected;
                tally.bytes += bytes;
                tally.latencies_us.push(latency);
            }
            Err(problem) => {
                tally.failed_requests += 1;
                tally.first_failure.get_or_insert(problem);
                drop(tally);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

impl Plan {
    /// When the request of this number is to be sent.
    fn due(&self, serial: u64) -> Instant {
        self.pause.map_or(self.start, |pause| self.start + pause.mul_f64(serial as f64))
    }

    /// The template's message with everything in it made new; the same serial number makes the same message, times aside.
    fn refreshed(&self, framed: &Bytes, template: &Template, serial: u64, mut buffer: BytesMut) -> Bytes {
        buffer.clear();
        buffer.extend_from_slice(framed);
        let mut rng = Rng::new(self.seed ^ (serial + 1).rotate_left(32));
        data::refresh(&mut buffer[PREFIX..], template, &self.texts, &mut rng);
        buffer.freeze()
    }
}
