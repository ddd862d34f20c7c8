//! Spans as events.

use host_otlp::build::{SpanKind, StatusCode, Traces};

use super::{bodies, shape};

#[test]
fn a_span_is_an_event_in_the_collectors_order() {
    let mut request = Traces::new();
    request.resource_spans(|resource_spans| {
        resource_spans.resource(|resource| {
            resource.attribute("service.name", "shop");
            resource.attribute("n", 5);
        });
        resource_spans.scope_spans(|scope_spans| {
            scope_spans.span(|span| {
                span.trace_id(&[1; 16]);
                span.span_id(&[2; 8]);
                span.name("GET /");
                span.kind(SpanKind::Server);
                span.start_time_unix_nano(1_000_000_000);
                span.end_time_unix_nano(u64::MAX);
                span.attribute("a", 1);
                span.event(|event| {
                    event.time_unix_nano(7);
                    event.name("e");
                });
                span.link(|link| {
                    link.trace_id(&[3; 16]);
                    link.span_id(&[4; 8]);
                    link.attribute("b", true);
                });
                span.status(|status| {
                    status.message("late");
                    status.code(StatusCode::Error);
                });
            });
            scope_spans.span(|span| span.name("bare"));
        });
    });
    let wanted = concat!(
        r#"{"event":{"trace_id":"01010101010101010101010101010101","span_id":"0202020202020202","parent_span_id":"","#,
        r#""name":"GET /","attributes":{"a":1},"end_time":18446744073709551615,"kind":"SPAN_KIND_SERVER","#,
        r#""status":{"message":"late","code":"STATUS_CODE_ERROR"},"start_time":1000000000,"#,
        r#""events":[{"name":"e","timestamp":7}],"#,
        r#""links":[{"attributes":{"b":true},"trace_id":"03030303030303030303030303030303","#,
        r#""span_id":"0404040404040404","trace_state":""}]},"#,
        r#""fields":{"n":"5","service.name":"shop"},"host":"unknown","time":1}"#,
        r#"{"event":{"trace_id":"","span_id":"","parent_span_id":"","name":"bare","end_time":0,"#,
        r#""kind":"SPAN_KIND_UNSPECIFIED","status":{"message":"","code":"STATUS_CODE_UNSET"},"start_time":0},"#,
        r#""fields":{"n":"5","service.name":"shop"},"host":"unknown"}"#,
    );
    assert_eq!(bodies(&request.finish(), &shape()), [wanted]);
}
