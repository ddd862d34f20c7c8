//! The collector's side: draws from a place in a pipeline and sends lines.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use host_component::{Payload, spawn};
use host_exporters::debug::{self, Verbosity};
use host_pipeline::{Drawn, Spigots};
use host_telemetry::{Asked, Page};
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::interval;

use super::{MOST, RATE};

/// Pieces of text that may wait for the reader.
const WAITING: usize = 4;
const SECOND: Duration = Duration::from_secs(1);

/// What was asked for.
struct Order {
    pipeline: String,
    after: Option<String>,
    verbosity: Verbosity,
    /// Items a second.
    rate: u64,
}

impl Order {
    fn of(asked: &Asked) -> Result<Order, String> {
        let pipeline = asked.parameter("pipeline").filter(|name| !name.is_empty());
        let pipeline = pipeline.ok_or_else(|| "name a pipeline: ?pipeline=logs, and &after=PROCESSOR".to_owned())?;
        let rate = match asked.parameter("rate") {
            None => RATE,
            Some(text) => match text.parse() {
                Ok(rate) if (1..=MOST).contains(&rate) => rate,
                _ => return Err(format!("rate is {text:?}: a whole number of items a second, from 1 to {MOST}")),
            },
        };
        let verbosity = match asked.parameter("verbosity").as_deref() {
            None | Some("normal") => Verbosity::Normal,
            Some("detailed") => Verbosity::Detailed,
            Some("basic") => Verbosity::Basic,
            Some(other) => return Err(format!("verbosity is {other:?}: basic, normal or detailed")),
        };
        Ok(Order { pipeline, after: asked.parameter("after"), verbosity, rate })
    }
}

/// What passes, for as long as it is read.
pub(crate) fn page(spigots: &Spigots, asked: &Asked) -> Page {
    let refused = |status, reason: String| Page::text(reason + "\n").with_status(status);
    if !asked.is_local {
        let reason = "telemetry is shown on the collector's own machine only, and not through a proxy: ask 127.0.0.1 there, as \
             `tidegate tap` does";
        return refused(StatusCode::FORBIDDEN, reason.to_owned());
    }
    let order = match Order::of(asked) {
        Ok(order) => order,
        Err(reason) => return refused(StatusCode::BAD_REQUEST, reason),
    };
    match spigots.draw(&order.pipeline, order.after.as_deref()) {
        Err(error) => refused(StatusCode::NOT_FOUND, error.to_string()),
        Ok(drawn) => {
            let (text, pieces) = mpsc::channel(WAITING);
            let owner = order.pipeline.clone();
            spawn("tap", &owner, pour(drawn, order, text));
            Page::stream(pieces)
        }
    }
}

/// Sends what is drawn, until the reader or the pipeline is gone.
async fn pour(mut drawn: Drawn, order: Order, out: mpsc::Sender<Bytes>) {
    let mut tick = interval(SECOND);
    let (mut left, mut hidden) = (order.rate, 0);
    loop {
        let text = tokio::select! {
            payload = drawn.next() => {
                let Some(payload) = payload else { return };
                let shown = payload.items().min(left);
                hidden += payload.items() - shown;
                left -= shown;
                if shown == 0 {
                    continue;
                }
                // Decoding and writing out is no work for a thread that serves the network.
                let verbosity = order.verbosity;
                let written = tokio::task::spawn_blocking(move || show(verbosity, payload, shown));
                written.await.unwrap_or_default()
            }
            _ = tick.tick() => {
                left = order.rate;
                hidden += drawn.missed();
                if hidden == 0 {
                    continue;
                }
                told(&mut hidden, order.rate)
            }
            () = out.closed() => return,
        };
        if out.send(Bytes::from(text)).await.is_err() {
            return;
        }
    }
}

fn show(verbosity: Verbosity, payload: Payload, items: u64) -> String {
    let first = payload.split(items, usize::MAX).into_iter().next();
    first.map(|payload| debug::show(verbosity, &payload)).unwrap_or_default()
}

fn told(hidden: &mut u64, rate: u64) -> String {
    let mut text = String::new();
    let items = std::mem::take(hidden);
    let _ = writeln!(text, "… {items} items not shown: at most {rate} a second are");
    text
}
