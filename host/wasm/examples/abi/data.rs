//! Requests as a cluster sends them: four pods of 25 log records each, bodies of 200 bytes, ten attributes a record, some
//! personal data. Every request is different.

use host_component::Payload;
use host_otlp::build::{LogRecord, Logs, Resource};

const WORDS: [&str; 12] = [
    "request",
    "completed",
    "upstream",
    "connection",
    "timeout",
    "retrying",
    "order",
    "accepted",
    "queue",
    "depth",
    "handler",
    "returned",
];

struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len() as u64) as usize]
    }

    fn email(&mut self) -> String {
        format!("{}.{}@staff.example", self.word(), self.below(10_000))
    }

    fn ipv4(&mut self) -> String {
        format!("10.77.{}.{}", self.below(256), 1 + self.below(254))
    }

    /// Free text of 200 bytes; some of it names people.
    fn sentence(&mut self) -> String {
        let mut text = String::with_capacity(256);
        if self.below(100) < 20 {
            text += &format!("user {} signed in; ", self.email());
        }
        if self.below(100) < 20 {
            text += &format!("peer {} accepted; ", self.ipv4());
        }
        if self.below(100) < 5 {
            text +=
                &format!("card 4929-{:04}-{:04}-{:04} charged; ", self.below(9999), self.below(9999), self.below(9999));
        }
        while text.len() < 200 {
            text += self.word();
            text.push(' ');
        }
        text.truncate(200);
        text
    }
}

pub(crate) fn request(seed: u64) -> Payload {
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
    let mut logs = Logs::new();
    for pod in 0..4 {
        logs.resource_logs(|group| {
            group.resource(|resource| describe(resource, &mut rng, pod));
            group.scope_logs(|group| {
                group.scope(|scope| scope.name("io.example.logging"));
                for n in 0..25 {
                    group.log_record(|record| write(record, &mut rng, n));
                }
            });
        });
    }
    logs.finish()
}

fn describe(resource: &mut Resource<'_>, rng: &mut Rng, pod: u64) {
    for key in ["service.name", "service.version", "k8s.namespace.name", "k8s.deployment.name", "k8s.container.name"] {
        resource.attribute(key, rng.word());
    }
    for key in ["service.instance.id", "k8s.pod.uid", "k8s.pod.name", "k8s.node.name", "telemetry.sdk.language"] {
        resource.attribute(key, &format!("{}-{pod}-{:016x}", rng.word(), rng.below(u64::MAX)));
    }
}

fn write(record: &mut LogRecord<'_>, rng: &mut Rng, n: u64) {
    let now = 1_700_000_000_000_000_000 + rng.below(1_000_000_000);
    record.time_unix_nano(now - n);
    record.severity_number(9);
    record.severity_text("INFO");
    record.body(&rng.sentence());
    record.attribute("http.request.method", "GET");
    record.attribute("url.path", "/api/v1/orders/{id}");
    record.attribute("http.response.status_code", 200);
    record.attribute("client.address", &rng.ipv4());
    record.attribute("request.id", &format!("{:016x}-{:016x}", rng.below(u64::MAX), rng.below(u64::MAX)));
    record.attribute("logger.name", "com.example.web.OrderController");
    record.attribute("thread.name", &format!("http-nio-8080-exec-{}", rng.below(64)));
    record.attribute("code.line.number", rng.below(900).cast_signed());
    record.attribute("duration_ms", rng.below(100_000) as f64 / 100.0);
    match rng.below(100) {
        0..20 => record.attribute("enduser.id", &rng.email()),
        chance => record.attribute("retry", chance < 30),
    }
    record.flags(1);
    record.trace_id(&[7; 16]);
    record.span_id(&rng.below(u64::MAX).to_be_bytes());
    record.observed_time_unix_nano(now);
}
