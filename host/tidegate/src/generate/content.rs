//! What is sent: telemetry of a small shop and its bank, as their services would write it.

mod logs;
mod metrics;
mod traces;

use fastrand::Rng;
use host_otlp::build::{Resource, Scope, Value};

pub(super) use self::logs::logs;
pub(super) use self::metrics::metrics;
pub(super) use self::traces::traces;
use super::personal::{self, Personal, pick};
use super::request::Plan;

const SERVICES: &[(&str, &str)] = &[
    ("checkout", "shop"),
    ("cart", "shop"),
    ("search", "shop"),
    ("payments", "bank"),
    ("ledger", "bank"),
    ("auth", "platform"),
    ("shipping", "logistics"),
];
const ROUTES: &[&str] =
    &["/api/orders", "/api/orders/{id}", "/api/cart", "/login", "/search", "/api/payments", "/healthz"];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE"];
/// Most resources of one request.
const MAX_RESOURCES: u32 = 4;

/// The items of one request, as they are made one after the other.
pub(super) struct Items<'a> {
    plan: &'a Plan,
    rng: Rng,
    request: u64,
    total: u32,
    made: u32,
    now: u64,
    /// Items with personal data so far.
    pub(super) personal: u32,
}

impl<'a> Items<'a> {
    pub(super) fn new(plan: &'a Plan, rng: Rng, request: u64, total: u32, now: u64) -> Self {
        Items { plan, rng, request, total, made: 0, now, personal: 0 }
    }

    /// How many items the next resource has; none when all are made.
    fn share(&mut self) -> Option<u32> {
        let left = self.total - self.made;
        let least = self.total.div_ceil(MAX_RESOURCES).min(left);
        (left > 0).then(|| self.rng.u32(least..=left))
    }

    /// The next item's id.
    fn next_id(&mut self) -> String {
        let id = self.plan.id(self.request, self.made);
        self.made += 1;
        id
    }

    fn id_attribute(&self) -> &'a str {
        &self.plan.id_attribute
    }

    /// Personal data for the item at hand, if it is to have some.
    fn personal(&mut self) -> Option<Personal> {
        if self.rng.f64() >= self.plan.personal_data {
            return None;
        }
        self.personal += 1;
        Some(personal::any(&mut self.rng))
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        // An id of zeros is no id.
        bytes[0] |= 1;
        bytes
    }

    fn pick<'b>(&mut self, list: &[&'b str]) -> &'b str {
        pick(&mut self.rng, list)
    }

    /// A moment of the last second.
    fn time(&mut self) -> u64 {
        self.now - self.rng.u64(0..1_000_000_000)
    }

    fn resource(&mut self, resource: &mut Resource<'_>) {
        let (service, namespace) = SERVICES[self.rng.usize(..SERVICES.len())];
        let pod = format!("{service}-{:08x}-{:04x}", self.rng.u32(..), self.rng.u16(..));
        let node = format!("node-{}", self.rng.u8(1..20));
        let region = self.pick(&["eu-central-1", "eu-west-1", "us-east-1"]);
        for (key, value) in [
            ("service.name", service),
            ("service.namespace", namespace),
            ("service.version", "1.42.0"),
            ("service.instance.id", &pod),
            ("deployment.environment.name", "production"),
            ("k8s.namespace.name", namespace),
            ("k8s.pod.name", &pod),
            ("host.name", &node),
            ("cloud.region", region),
            ("telemetry.sdk.name", "opentelemetry"),
        ] {
            resource.attribute(key, value);
        }
        resource.attribute("process.pid", Value::Int(i64::from(self.rng.u32(1..100_000))));
    }

    fn scope(&mut self, scope: &mut Scope<'_>) {
        scope.name(self.pick(&["io.example.http", "io.example.orders", "io.example.db"]));
        scope.version("2.1.0");
    }
}
