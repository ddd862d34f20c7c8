//! Log records as entries of the intake for logs.

use host_otlp::Payload;
use host_otlp::build::{LogRecord, Logs, Value};
use serde_json::{Value as Json, json};

use super::{Request, body, len, requests, shape, state};
use crate::left_out::LeftOut;

fn logs(resource: &[(&str, &str)], records: &[&dyn Fn(&mut LogRecord<'_>)]) -> Payload {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(|out| resource.iter().for_each(|(key, value)| out.attribute(key, *value)));
        resource_logs.scope_logs(|scope_logs| {
            for record in records {
                scope_logs.log_record(|out| record(out));
            }
        });
    });
    request.finish()
}

fn sent(payload: &Payload) -> Vec<Request> {
    let (requests, left_out) = requests(payload, &shape(), &state(), 0);
    assert_eq!(left_out, crate::left_out::LeftOut::default());
    requests
}

fn entries(payload: &Payload) -> Vec<Json> {
    sent(payload).iter().flat_map(|request| serde_json::from_str::<Vec<Json>>(&body(request)).unwrap()).collect()
}

#[test]
fn a_record_is_an_entry_with_what_datadog_knows_and_everything_else() {
    let resource = [("service.name", "shop"), ("deployment.environment.name", "prod"), ("host.name", "web-1")];
    let payload = logs(
        &resource,
        &[&|record| {
            record.time_unix_nano(1_700_000_000_123_456_789);
            record.severity_number(17);
            record.severity_text("Error");
            record.body("it \"failed\"");
            record.trace_id(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 255]);
            record.span_id(&[0, 0, 0, 0, 0, 0, 1, 0]);
            record.event_name("paid");
            record.attribute("n", 5);
            record.attribute("m", Value::Map(&[("a", Value::Bool(true)), ("b", Value::Map(&[("c", "d".into())]))]));
            record.attribute("list", Value::Array(&[Value::Int(1), Value::Double(0.5)]));
            record.attribute("service", "mine");
        }],
    );
    let text = body(&sent(&payload)[0]);
    assert!(text.starts_with(r#"[{"message":"it \"failed\"","status":"Error","hostname":"web-1","service":"shop","#));
    assert_eq!(
        entries(&payload),
        [json!({
            "message": "it \"failed\"",
            "status": "Error",
            "hostname": "web-1",
            "service": "shop",
            "ddsource": "otlp_log_ingestion",
            "ddtags": "service:shop,env:prod,otel_source:datadog_exporter",
            "timestamp": 1_700_000_000_123_u64,
            "n": 5,
            "m.a": true,
            "m.b.c": "d",
            "list": [1, 0.5],
            "otel.service": "mine",
            "service.name": "shop",
            "deployment.environment.name": "prod",
            "host.name": "web-1",
            "dd.trace_id": "255",
            "otel.trace_id": "000000000000000100000000000000ff",
            "dd.span_id": "256",
            "otel.span_id": "0000000000000100",
            "otel.severity_text": "Error",
            "otel.severity_number": "17",
            "otel.timestamp": "1700000000123456789",
            "otel.event_name": "paid",
        })]
    );
}

#[test]
fn what_a_record_says_of_itself_under_other_names_is_understood() {
    let payload = logs(
        &[],
        &[
            &|record| {
                record.body("body");
                record.attribute("msg", "the message");
                record.attribute("Level", "warning");
                record.attribute("trace_id", "000000000000000000000000000000ff");
                record.attribute("SpanID", "not hexadecimal!");
                record.attribute("ddtags", "team:a");
                record.attribute("datadog.log.source", "nginx");
                record.attribute("host.name", "web-2");
                record.attribute("service.name", "late");
            },
            &|record| record.severity_number(9),
        ],
    );
    let all = entries(&payload);
    assert_eq!((&all[0]["message"], &all[0]["status"]), (&json!("the message"), &json!("warning")));
    assert_eq!((&all[0]["dd.trace_id"], all[0].get("dd.span_id")), (&json!("255"), None));
    assert_eq!(all[0]["ddtags"], json!("team:a,otel_source:datadog_exporter"));
    assert_eq!((&all[0]["ddsource"], &all[0]["hostname"]), (&json!("nginx"), &json!("web-2")));
    assert_eq!(all[0]["service"], json!("late"));
    assert_eq!((&all[1]["status"], &all[1]["hostname"]), (&json!("info"), &json!("here")));
    assert_eq!(all[1].get("timestamp"), None);
}

#[test]
fn a_request_has_a_thousand_entries_at_most() {
    let record: &dyn Fn(&mut LogRecord<'_>) = &|record| record.body("x");
    let counts: Vec<u64> = sent(&logs(&[], &[record; 2500])).iter().map(Request::items).collect();
    assert_eq!(counts, [1000, 1000, 500]);
}

#[test]
fn a_request_has_five_megabytes_at_most() {
    let long = "y".repeat(900_000);
    let record: &dyn Fn(&mut LogRecord<'_>) = &|record| record.body(&long);
    let requests = sent(&logs(&[], &[record; 6]));
    assert_eq!(requests.iter().map(Request::items).collect::<Vec<_>>(), [5, 1]);
    assert!(requests.iter().all(|request| body(request).len() <= 5_000_000));
}

#[test]
fn a_message_that_is_too_long_is_cut_between_two_characters() {
    for filling in ["é", "\n", "\u{1}", "\""] {
        let long = filling.repeat(1_200_000);
        let payload = logs(&[("service.name", "shop")], &[&|record| record.body(&long)]);
        let requests = sent(&payload);
        let len = body(&requests[0]).len() - 2;
        assert!((999_900..=1_000_000).contains(&len), "{filling:?}: {len}");
        let all = entries(&payload);
        let message = all[0]["message"].as_str().unwrap();
        assert!(message.starts_with(filling) && message.ends_with("...TRUNCATED..."));
        assert_eq!(all[0]["service"], json!("shop"));
    }
}

#[test]
fn a_record_whose_attributes_are_too_long_is_counted() {
    let long = "y".repeat(1_000_001);
    let payload = logs(&[], &[&|record| record.attribute("a", &long), &|record| record.body("x")]);
    let (requests, left_out) = requests(&payload, &shape(), &state(), 0);
    assert_eq!((requests[0].items(), left_out.lost()), (1, 1));
}

#[test]
fn a_small_request_does_not_become_a_large_one_by_what_its_resource_says() {
    let large = "x".repeat(100 << 10);
    let records: Vec<&dyn Fn(&mut LogRecord<'_>)> = (0..1000).map(|_| &(|_: &mut LogRecord<'_>| {}) as _).collect();
    let payload = logs(&[("large", &large)], &records);
    let (all, left_out) = requests(&payload, &shape(), &state(), 0);
    let bytes: usize = all.iter().map(len).sum();
    let sent: u64 = all.iter().map(Request::items).sum();
    assert!(bytes < 9 << 20 && sent > 50, "{bytes} bytes of {sent}");
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::TOO_MUCH_REPEATED, 1000 - sent)]);
}
