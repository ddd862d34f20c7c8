//! One operation on a fixed input, so many times, for an instruction counter: `instructions <operation> <repetitions>`.
//!
//! The input is 100 log records of 4 resources, about 600 bytes with 10 attributes each. Making it costs the same however
//! often the operation runs: count with two numbers of repetitions and take the difference.

use std::hint::black_box;
use std::process::ExitCode;

use host_otlp::build::{LogRecord, Logs, Resource};
use host_otlp::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::{Limits, Payload, Signal, check, view, wire};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (operation, repetitions) = (args.next().unwrap_or_default(), args.next().and_then(|n| n.parse().ok()));
    let (Some(operation), Some(repetitions)) = (Operation::named(&operation), repetitions) else {
        eprintln!("usage: instructions check|view|concatenate|split|splice <repetitions>");
        return ExitCode::FAILURE;
    };
    let input = input(100);
    let table = table(&input);
    let mut scratch = Scratch::default();
    for _ in 0..repetitions {
        black_box(operation.run(black_box(&input), &table, &mut scratch));
    }
    ExitCode::SUCCESS
}

#[derive(Clone, Copy)]
enum Operation {
    Check,
    View,
    Concatenate,
    Split,
    Splice,
}

impl Operation {
    fn named(name: &str) -> Option<Operation> {
        match name {
            "check" => Some(Operation::Check),
            "view" => Some(Operation::View),
            "concatenate" => Some(Operation::Concatenate),
            "split" => Some(Operation::Split),
            "splice" => Some(Operation::Splice),
            _ => None,
        }
    }

    /// Returns something that depends on the whole of the work.
    fn run(self, input: &Payload, table: &(Vec<Frame>, Vec<Patch>), scratch: &mut Scratch) -> u64 {
        let bytes = input.segments()[0].bytes();
        match self {
            Operation::Check => {
                check(Signal::Logs, bytes.clone(), &Limits::default()).expect("the input is valid").items()
            }
            Operation::View => read(input),
            Operation::Concatenate => {
                let mut joined = input.clone();
                (0..9).for_each(|_| joined.join(input.clone()));
                joined.contiguous().len() as u64
            }
            Operation::Split => input.clone().split(10, usize::MAX).len() as u64,
            Operation::Splice => {
                let edits = Edits { frames: &table.0, patches: &table.1, side: b"[redacted]" };
                edit::splice(bytes, &edits, scratch).expect("the table is valid").len() as u64
            }
        }
    }
}

/// Reads what an exporter reads of each record.
fn read(payload: &Payload) -> u64 {
    let mut sum = 0;
    for resource_logs in view::logs(payload) {
        for record in resource_logs.scope_logs.flat_map(|scope_logs| scope_logs.log_records) {
            sum += record.time_unix_nano + record.severity_text.len() as u64;
            if let Some(view::AnyValue::Text(body)) = record.body {
                sum += body.len() as u64;
            }
            for attribute in record.attributes {
                sum += attribute.key.len() as u64;
                if let Some(view::AnyValue::Text(text)) = attribute.value {
                    sum += text.len() as u64;
                }
            }
        }
    }
    sum
}

/// The frames of the input, and a patch of ten bytes in every fifth text of an attribute's value.
fn table(payload: &Payload) -> (Vec<Frame>, Vec<Patch>) {
    let mut table = (Vec::new(), Vec::new());
    let view = view::View::request(Signal::Logs, payload.segments()[0].bytes());
    walk(view, REQUEST, &mut 0, &mut table);
    table
}

fn walk(view: view::View<'_>, parent: u32, texts: &mut u32, table: &mut (Vec<Frame>, Vec<Patch>)) {
    for field in view.fields() {
        if let Some(inner) = view.enter(&field) {
            let index = table.0.len() as u32;
            let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
            table.0.push(Frame { tag, content, end, parent });
            walk(inner, index, texts, table);
        } else if view.message.name == "AnyValue" && field.wire == wire::WireType::Len {
            *texts += 1;
            if texts.is_multiple_of(5) {
                // The whole field is replaced: tag, length and text, as an edit of the projection does it.
                table.1.push(Patch { start: field.tag as u32, end: field.end as u32, frame: parent, with: (0, 10) });
            }
        }
    }
}

const ROUTES: [&str; 4] = ["/api/v1/orders/{id}", "/api/v1/carts/{id}/items", "/healthz", "/api/v2/search"];
const WORDS: [&str; 8] = ["request", "completed", "upstream", "timeout", "cache", "payload", "session", "deadline"];

fn input(records: u32) -> Payload {
    let mut random = Random(1);
    let mut logs = Logs::new();
    for _ in 0..4 {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|it| resource(it, &mut random));
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.scope(|scope| {
                    scope.name("io.example.logging");
                    scope.version("1.32.0");
                });
                for _ in 0..records / 4 {
                    scope_logs.log_record(|it| record(it, &mut random));
                }
            });
        });
    }
    logs.finish()
}

fn resource(it: &mut Resource<'_>, random: &mut Random) {
    it.attribute("service.name", "checkout");
    it.attribute("service.version", "2.11.4");
    it.attribute("service.instance.id", &random.hex(36));
    it.attribute("k8s.namespace.name", "shop");
    it.attribute("k8s.deployment.name", "checkout");
    it.attribute("k8s.pod.name", &format!("checkout-{}", random.hex(16)));
    it.attribute("k8s.pod.uid", &random.hex(36));
    it.attribute("k8s.container.name", "checkout");
    it.attribute("k8s.node.name", &format!("ip-10-0-{}-{}.internal", random.below(64), random.below(256)));
    it.attribute("telemetry.sdk.language", "java");
}

fn record(it: &mut LogRecord<'_>, random: &mut Random) {
    let now = 1_700_000_000_000_000_000 + random.below(1_000_000);
    it.time_unix_nano(now);
    it.severity_number(9);
    it.severity_text("INFO");
    it.body(&random.sentence(200));
    it.attribute("http.request.method", "GET");
    it.attribute("url.path", random.pick(&ROUTES));
    it.attribute("http.response.status_code", 200);
    it.attribute("client.address", &format!("10.77.{}.{}", random.below(256), random.below(256)));
    it.attribute("request.id", &random.hex(36));
    it.attribute("logger.name", "com.example.web.OrderController");
    it.attribute("thread.name", &format!("http-nio-8080-exec-{}", random.below(64)));
    it.attribute("code.line.number", random.below(900).cast_signed());
    it.attribute("duration_ms", random.below(100_000) as f64 / 100.0);
    it.attribute("retry", false);
    it.flags(1);
    it.trace_id(&[random.below(255) as u8; 16]);
    it.span_id(&[random.below(255) as u8; 8]);
    it.observed_time_unix_nano(now);
}

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }

    fn sentence(&mut self, len: usize) -> String {
        let mut text = String::new();
        while text.len() < len {
            text.push_str(self.pick(&WORDS));
            text.push(' ');
        }
        text.truncate(len);
        text
    }
}
