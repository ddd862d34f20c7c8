//! Log records: access lines, orders, declined payments and exceptions.

use host_otlp::Payload;
use host_otlp::build::{LogRecord, Logs, Value};

use super::{Items, METHODS, ROUTES};
use crate::generate::personal::Personal;

pub(in crate::generate) fn logs(items: &mut Items<'_>) -> Payload {
    let mut logs = Logs::with_capacity(600 * items.total as usize);
    while let Some(share) = items.share() {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| items.resource(resource));
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.scope(|scope| items.scope(scope));
                for _ in 0..share {
                    scope_logs.log_record(|record| log_record(items, record));
                }
            });
        });
    }
    logs.finish()
}

fn log_record(items: &mut Items<'_>, record: &mut LogRecord<'_>) {
    let id = items.next_id();
    let (number, text) = match items.rng.u8(0..100) {
        0..70 => (9, "INFO"),
        70..82 => (5, "DEBUG"),
        82..94 => (13, "WARN"),
        _ => (17, "ERROR"),
    };
    let time = items.time();
    record.time_unix_nano(time);
    record.observed_time_unix_nano(time + items.rng.u64(0..5_000_000));
    record.severity_number(number);
    record.severity_text(text);
    let personal = items.personal();
    body(items, record, personal.as_ref());
    record.attribute(items.id_attribute(), &id);
    attributes(items, record, text);
    if let Some(Personal { key, value }) = &personal {
        record.attribute(key, value);
    }
    if items.rng.bool() {
        record.trace_id(&items.bytes::<16>());
        record.span_id(&items.bytes::<8>());
        record.flags(1);
    }
}

fn attributes(items: &mut Items<'_>, record: &mut LogRecord<'_>, severity: &str) {
    record.attribute("http.request.method", items.pick(METHODS));
    record.attribute("http.route", items.pick(ROUTES));
    record.attribute("http.response.status_code", if severity == "ERROR" { 500 } else { 200 });
    record.attribute("duration_ms", items.rng.f64() * 250.0);
    record.attribute("thread.name", &format!("worker-{}", items.rng.u8(1..17)));
    record.attribute("cache.hit", items.rng.bool());
    if severity == "ERROR" {
        record.attribute("exception.type", "TimeoutError");
        record.attribute("exception.message", "no answer from ledger within 2000 ms");
        record.attribute(
            "exception.stacktrace",
            "TimeoutError: no answer\n  at call (ledger.rs:88)\n  at main (main.rs:12)",
        );
    }
}

fn body(items: &mut Items<'_>, record: &mut LogRecord<'_>, personal: Option<&Personal>) {
    let order = items.rng.u32(10_000..1_000_000);
    if items.rng.u8(0..10) == 0 {
        let note = personal.map_or("gift wrapped", |personal| &personal.value);
        let lines = [Value::Text("sku-1831"), Value::Text("sku-2207")];
        return record.body(Value::Map(&[
            ("order", Value::Int(i64::from(order))),
            ("event", Value::Text("order_accepted")),
            ("lines", Value::Array(&lines)),
            ("customer", Value::Map(&[("note", Value::Text(note)), ("returning", Value::Bool(true))])),
        ]));
    }
    let took = items.rng.u16(1..2_000);
    let (method, route) = (items.pick(METHODS), items.pick(ROUTES));
    let text = match (personal, items.rng.u8(0..3)) {
        (Some(Personal { value, .. }), 0) => format!("order {order} placed by {value}, confirmation sent"),
        (Some(Personal { value, .. }), 1) => format!("{method} {route} 200 {took}ms client={value}"),
        (Some(Personal { value, .. }), _) => format!("verification failed for [{value}] after {took} ms"),
        (None, 0) => format!("order {order} accepted, reserving stock"),
        (None, 1) => format!("{method} {route} 200 {took}ms"),
        (None, _) => format!("payment for order {order} settled in {took} ms"),
    };
    record.body(&text);
}
