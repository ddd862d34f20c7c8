//! Log records as events and as bare texts.

use host_otlp::Payload;
use host_otlp::build::{LogRecord, Logs, Value};

use super::{bodies, body, requests, shape};
use crate::left_out::LeftOut;

/// A request of one resource with these attributes.
fn logs(resource: &[(&str, Value<'_>)], records: &[&dyn Fn(&mut LogRecord<'_>)]) -> Payload {
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

fn said(text: &'static str) -> impl Fn(&mut LogRecord<'_>) {
    move |record| record.body(Value::Text(text))
}

#[test]
fn a_record_is_an_event_in_the_collectors_order() {
    let inner = [("b", Value::Int(1)), ("c", Value::Map(&[("d", Value::Bool(true))]))];
    let payload = logs(
        &[("host.name", "web-1".into()), ("k8s.pod", "p".into()), ("com.splunk.index", "main".into())],
        &[&|record| {
            record.time_unix_nano(1_700_000_000_123_456_789);
            record.severity_number(9);
            record.severity_text("INFO");
            record.event_name("paid");
            record.body("said \"so\"");
            record.trace_id(&[1; 16]);
            record.span_id(&[2; 8]);
            record.attribute("a", Value::Map(&inner));
            record.attribute("list", Value::Array(&[Value::Int(1), Value::Text("x")]));
            record.attribute("deep", Value::Array(&[Value::Map(&[("k", Value::Int(1))])]));
            record.attribute("nothing", Value::Empty);
            record.attribute("k8s.pod", Value::Text("q"));
            record.attribute("com.splunk.source", Value::Text("app.log"));
        }],
    );
    let wanted = concat!(
        r#"{"event":"said \"so\"","fields":{"a.b":1,"a.c.d":true,"deep":"[{\"k\":1}]","k8s.pod":"q","list":[1,"x"],"#,
        r#""otel.log.name":"paid","otel.log.severity.number":9,"otel.log.severity.text":"INFO","#,
        r#""span_id":"0202020202020202","trace_id":"01010101010101010101010101010101"},"#,
        r#""host":"web-1","source":"app.log","index":"main","time":1700000000.123456789}"#,
    );
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn what_is_not_there_is_left_out_and_the_host_is_unknown() {
    let payload = logs(
        &[],
        &[&said("x"), &|record| {
            record.body(Value::Map(&[("k", Value::Double(0.5))]));
            record.observed_time_unix_nano(2_000_000_000);
        }],
    );
    let wanted = r#"{"event":"x","host":"unknown"}{"event":{"k":0.5},"host":"unknown","time":2}"#;
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn a_record_without_a_body_has_its_name_as_event_or_is_counted() {
    let payload = logs(&[], &[&|record| record.event_name("started"), &|record| record.severity_number(1)]);
    let (requests, left_out) = requests(&payload, &shape());
    assert_eq!(body(&requests[0]), r#"{"event":"started","fields":{"otel.log.name":"started"},"host":"unknown"}"#);
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::WITHOUT_BODY, 1)]);
    assert_eq!((requests[0].events.items(), left_out.lost()), (1, 1));
}

#[test]
fn the_defaults_of_the_configuration_yield_to_the_data() {
    let mut shape = shape();
    (shape.source, shape.sourcetype, shape.index) = ("s".into(), "t".into(), "i".into());
    let payload = logs(&[("com.splunk.sourcetype", "access".into())], &[&said("x")]);
    let wanted = r#"{"event":"x","host":"unknown","source":"s","sourcetype":"access","index":"i"}"#;
    assert_eq!(bodies(&payload, &shape), [wanted]);
}

#[test]
fn data_that_names_a_token_travels_apart_and_does_not_show_it() {
    let mut request = Logs::new();
    for token in ["", "other"] {
        request.resource_logs(|resource_logs| {
            if !token.is_empty() {
                resource_logs.resource(|out| out.attribute("com.splunk.hec.access_token", token));
            }
            resource_logs.scope_logs(|scope_logs| scope_logs.log_record(said("x")));
        });
    }
    let (requests, _) = requests(&request.finish(), &shape());
    let tokens: Vec<_> = requests.iter().map(|request| request.heading.token.as_str()).collect();
    assert_eq!(tokens, ["", "other"]);
    assert!(requests.iter().all(|request| body(request) == r#"{"event":"x","host":"unknown"}"#));
}

#[test]
fn raw_events_are_bodies_and_what_they_cannot_say_stands_in_the_address() {
    let mut shape = shape();
    shape.is_raw = true;
    shape.source = "a b".to_owned();
    let payload = logs(
        &[("host.name", "h&1".into())],
        &[&said("one"), &|record| {
            record.body(Value::Map(&[("k", Value::Int(1))]));
        }],
    );
    let (requests, _) = requests(&payload, &shape);
    assert_eq!(body(&requests[0]), "one\n{\"k\":1}\n");
    let heading = &requests[0].heading;
    assert_eq!((heading.is_raw, heading.query.as_str()), (true, "host=h%261&source=a%20b"));
}

#[test]
fn a_profilers_records_travel_apart_and_each_kind_can_be_kept_back() {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        for scope in ["", "otel.profiling"] {
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.scope(|out| out.name(scope));
                scope_logs.log_record(said("x"));
            });
        }
    });
    let payload = request.finish();
    let kinds = |with_logs, with_profiling| {
        let (requests, left_out) = requests(&payload, &super::Shape { with_logs, with_profiling, ..shape() });
        let kinds: Vec<_> = requests.iter().map(|request| request.heading.is_profiling).collect();
        assert_eq!(left_out.lost(), 0);
        kinds
    };
    assert_eq!(kinds(true, true), [false, true]);
    assert_eq!(kinds(true, false), [false]);
    assert_eq!(kinds(false, true), [true]);
}

#[test]
fn requests_keep_to_their_size_and_an_event_beyond_it_is_counted() {
    let mut shape = shape();
    shape.max_bytes = [80; 3];
    shape.max_event_bytes = 70;
    let long = "y".repeat(60);
    let payload = logs(&[], &[&said("one"), &said("two"), &|record| record.body(&long), &said("three")]);
    let (requests, left_out) = requests(&payload, &shape);
    let bodies: Vec<_> = requests.iter().map(body).collect();
    assert_eq!(
        bodies,
        [
            r#"{"event":"one","host":"unknown"}{"event":"two","host":"unknown"}"#,
            r#"{"event":"three","host":"unknown"}"#,
        ]
    );
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::TOO_LONG, 1)]);
}

#[test]
fn a_small_request_does_not_become_a_large_one_by_what_its_resource_says() {
    let large = "x".repeat(100 << 10);
    let said = said("hi");
    let records: Vec<&dyn Fn(&mut LogRecord<'_>)> = (0..1000).map(|_| &said as _).collect();
    let payload = logs(&[("large", Value::from(large.as_str()))], &records);
    let (all, left_out) = requests(&payload, &shape());
    let (events, bytes) = (
        all.iter().map(|request| request.events.items()).sum::<u64>(),
        all.iter().map(|all| body(all).len()).sum::<usize>(),
    );
    assert!(bytes < 9 << 20, "{bytes}");
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::TOO_MUCH_REPEATED, 1000 - events)]);
    assert!(events > 50, "{events}");
}
