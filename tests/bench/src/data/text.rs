//! The vocabulary: names of services and routes, free text, and the personal data in it.

use crate::rng::Rng;

pub const SERVICES: &[&str] = &[
    "checkout",
    "cart",
    "payment",
    "catalog",
    "frontend",
    "shipping",
    "recommendation",
    "currency",
    "accounts",
    "invoices",
    "search",
    "gateway",
];
pub const NAMESPACES: &[&str] = &["shop", "billing", "platform", "identity"];
pub const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE"];
pub const ROUTES: &[&str] = &[
    "/api/v1/orders/{id}",
    "/api/v1/carts/{id}/items",
    "/api/v1/products",
    "/api/v1/users/{id}/profile",
    "/healthz",
    "/api/v1/payments",
    "/api/v2/search",
];
pub const LEVELS: &[(u64, &str)] = &[(5, "DEBUG"), (9, "INFO"), (9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR")];
const WORDS: &[&str] = &[
    "request",
    "completed",
    "upstream",
    "connection",
    "timeout",
    "retrying",
    "cache",
    "miss",
    "order",
    "accepted",
    "queue",
    "depth",
    "worker",
    "finished",
    "handler",
    "returned",
    "status",
    "payload",
    "validated",
    "session",
    "token",
    "refreshed",
    "shard",
    "replica",
    "commit",
    "latency",
    "budget",
    "deadline",
    "stream",
    "closed",
];

pub fn email(rng: &mut Rng) -> String {
    format!("{}.{}@staff.example", rng.pick(WORDS), rng.below(10_000))
}

fn card(rng: &mut Rng) -> String {
    format!("4929-{:04}-{:04}-{:04}", rng.below(10_000), rng.below(10_000), rng.below(10_000))
}

fn ssn(rng: &mut Rng) -> String {
    format!("917-{:02}-{:04}", 10 + rng.below(80), 1000 + rng.below(9000))
}

pub fn ipv4(rng: &mut Rng) -> String {
    format!("10.77.{}.{}", rng.below(256), 1 + rng.below(254))
}

/// Free text of exactly `len` bytes; some of it names people.
pub fn sentence(rng: &mut Rng, len: usize) -> String {
    let mut text = String::with_capacity(len + 40);
    if rng.chance(20) {
        text.push_str(&format!("user {} signed in; ", email(rng)));
    }
    if rng.chance(20) {
        text.push_str(&format!("peer {} accepted; ", ipv4(rng)));
    }
    if rng.chance(5) {
        text.push_str(&format!("card {} charged; ", card(rng)));
    }
    if rng.chance(1) {
        text.push_str(&format!("ssn {} checked; ", ssn(rng)));
    }
    while text.len() < len {
        text.push_str(rng.pick(WORDS));
        text.push(' ');
    }
    text.truncate(len);
    text
}

/// Megabytes of sentences. A body is a window into them, wherever it begins: copying one costs next to nothing, and two
/// requests have none in common but by chance.
pub struct Texts(Vec<u8>);

impl Texts {
    const BYTES: usize = 4 << 20;

    pub fn new(seed: u64) -> Texts {
        let mut rng = Rng::new(seed);
        let mut all = Vec::with_capacity(Self::BYTES + 256);
        while all.len() < Self::BYTES {
            all.extend_from_slice(sentence(&mut rng, 160).as_bytes());
        }
        Texts(all)
    }

    pub fn pick(&self, rng: &mut Rng, len: usize) -> &[u8] {
        let start = rng.below((self.0.len() - len) as u64) as usize;
        &self.0[start..start + len]
    }
}
