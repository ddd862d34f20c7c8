//! A request is the n-th of a load: which one it is decides all that is in it, but for the time.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use host_otlp::Signal;

use super::content::{self, Items};
use super::{Args, Signals};

/// What all requests of a load have in common.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) signals: Signals,
    pub(super) seed: u64,
    pub(super) items_per_request: u32,
    pub(super) personal_data: f64,
    pub(super) id_attribute: Arc<str>,
}

/// One export request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) signal: Signal,
    pub(super) bytes: Bytes,
    pub(super) items: u32,
    /// Items with personal data in them.
    pub(super) personal: u32,
}

impl Plan {
    pub(super) fn new(args: &Args) -> Self {
        Plan {
            signals: args.signals,
            seed: args.seed,
            items_per_request: args.items_per_request,
            personal_data: args.personal_data,
            id_attribute: args.id_attribute.as_str().into(),
        }
    }

    pub(super) fn signal(&self, number: u64) -> Signal {
        match self.signals {
            Signals::Logs => Signal::Logs,
            Signals::Traces => Signal::Traces,
            Signals::Metrics => Signal::Metrics,
            Signals::All => Signal::ALL[(number % 3) as usize],
        }
    }

    /// The id of an item; no two of one load are equal.
    pub(super) fn id(&self, request: u64, item: u32) -> String {
        format!("s{}-r{request}-i{item}", self.seed)
    }

    /// Request `number`, of at most `most` items, as if it were made at `now` (nanoseconds since 1970).
    pub(super) fn request(&self, number: u64, most: u32, now: u64) -> Request {
        // Neighbours are to differ as much as strangers.
        let rng =
            Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        let signal = self.signal(number);
        let mut items = Items::new(self, rng, number, self.items_per_request.min(most), now);
        let payload = match signal {
            Signal::Logs => content::logs(&mut items),
            Signal::Traces => content::traces(&mut items),
            Signal::Metrics => content::metrics(&mut items),
        };
        let count = u32::try_from(payload.items()).expect("a request has fewer than 2^32 items");
        Request { number, signal, bytes: payload.contiguous(), items: count, personal: items.personal }
    }
}
