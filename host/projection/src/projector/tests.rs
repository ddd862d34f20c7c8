//! Tests of what stands in `projector`: its promises, one sentence each.

mod forms;
mod reach;

use std::sync::LazyLock;

use host_otlp::Signal;
use host_otlp::schema::Message as Schema;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, Summary, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::prelude::{prop_assert_eq, proptest};
use prost::Message as _;
use regex_automata::meta::Regex;

use super::{Limits, PlanError, Projector};
use crate::pattern::Patterns;
use crate::testing::naive::{self, Change, READS};
use crate::testing::{
    Logs, Metrics, Spent, Traces, array, checked, compile, decoded, everything, logs, map, odd, pair, payload, plan,
    project, read, record, strategy, strings, text, value,
};
use crate::{Batch, Grants, Level, Meter, Overrun, Part, Plan, Unmetered};

/// The cells as `read: row key=value`, numbers and all.
fn shown(batch: &Batch) -> Vec<String> {
    let show = |cell: naive::Cell| {
        let value = match cell.value {
            Value::StringValue(text) => format!("{text:?}"),
            Value::BytesValue(bytes) => format!("{bytes:?}"),
            Value::IntValue(number) => number.to_string(),
            Value::DoubleValue(number) => format!("{number:?}"),
            Value::BoolValue(truth) => truth.to_string(),
            other => format!("{other:?}"),
        };
        let key = cell.key.map(|key| format!("{key}=")).unwrap_or_default();
        let part = if cell.part == Part::Key { "key " } else { "" };
        format!("{}: {} {part}{key}{value}", cell.read, cell.row)
    };
    naive::cells(batch).into_iter().map(|(_, cell)| show(cell)).collect()
}

fn levels(batch: &Batch) -> Vec<(Level, u32, Vec<u32>)> {
    batch.levels.iter().map(|rows| (rows.level, rows.count, rows.parents.clone())).collect()
}

fn sample() -> Logs {
    let body = map(vec![
        pair("user", text("ann")),
        pair("tags", array(vec![text("x"), value(Value::IntValue(7)), text("y")])),
        pair("deep", map(vec![pair("raw", value(Value::BytesValue(vec![1, 2])))])),
    ]);
    let attributes = vec![
        pair("a", text("one")),
        pair("n", value(Value::IntValue(-4))),
        pair("a", text("two")),
        pair("m", map(vec![pair("b", value(Value::BoolValue(true))), pair("c", value(Value::DoubleValue(0.5)))])),
    ];
    logs(vec![pair("host", text("h1"))], vec![record(body, attributes), record(text("plain"), vec![])])
}

#[test]
fn a_path_finds_its_cells() {
    let payload = payload(Signal::Logs, &sample());
    for (path, cells) in [
        ("log.body", &["0: 1 \"plain\""] as &[&str]),
        ("log.body[\"user\"]", &["0: 0 user=\"ann\""]),
        ("log.body[*]", &["0: 0 user=\"ann\""]),
        ("log.body[\"deep\"][\"raw\"]", &["0: 0 raw=[1, 2]"]),
        (
            "log.body[**]",
            &[
                "0: 0 user=\"ann\"",
                "0: 0 tags=\"x\"",
                "0: 0 tags=\"y\"",
                "0: 1 =\"plain\"",
                "0: 0 raw=[1, 2]",
                "0: 0 key user=\"user\"",
                "0: 0 key tags=\"tags\"",
                "0: 0 key deep=\"deep\"",
                "0: 0 key raw=\"raw\"",
            ],
        ),
        ("log.body[\"tags\"][**]", &["0: 0 tags=\"x\"", "0: 0 tags=\"y\""]),
        ("log.attributes[\"a\"]", &["0: 0 a=\"one\"", "0: 0 a=\"two\""]),
        ("log.attributes[*]", &["0: 0 a=\"one\"", "0: 0 a=\"two\"", "0: 0 n=-4"]),
        ("log.attributes[\"m\"][*]", &["0: 0 c=0.5", "0: 0 b=true"]),
        ("log.attributes[\"m\"][\"b\"]", &["0: 0 b=true"]),
        ("log.attributes[\"m\"]", &[]),
        ("resource.attributes[*]", &["0: 0 host=\"h1\""]),
    ] {
        assert_eq!(shown(&project(&plan(&[path], &[]), &payload).batch), cells, "{path}");
    }
}

#[test]
fn several_reads_of_one_field_each_have_their_cells() {
    let payload = payload(Signal::Logs, &sample());
    let plan = plan(&["log.attributes[\"n\"]", "log.attributes[*]", "log.attributes[\"a\"]"], &[]);
    let cells = shown(&project(&plan, &payload).batch);
    let wanted = ["0: 0 n=-4", "1: 0 a=\"one\"", "1: 0 a=\"two\"", "1: 0 n=-4", "2: 0 a=\"one\"", "2: 0 a=\"two\""];
    assert_eq!(cells, wanted);
}

fn spans() -> Traces {
    let span = |name: &str| Span {
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 5,
        trace_id: vec![1; 16],
        flags: 3,
        status: Some(Status { message: "late".to_owned(), code: 2 }),
        events: vec![Event { name: "e".to_owned(), attributes: vec![pair("q", text("sql"))], ..Event::default() }],
        links: vec![Link { trace_state: "s".to_owned(), ..Link::default() }],
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span("one"), span("two")], ..ScopeSpans::default() }];
    Traces { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

#[test]
fn spans_have_events_links_and_a_status() {
    let payload = payload(Signal::Traces, &spans());
    for (path, cells) in [
        ("span.name", &["0: 0 \"one\"", "0: 1 \"two\""]),
        ("span.kind", &["0: 0 2", "0: 1 2"]),
        ("span.flags", &["0: 0 3", "0: 1 3"]),
        ("span.start_time_unix_nano", &["0: 0 5", "0: 1 5"]),
        ("span.status.code", &["0: 0 2", "0: 1 2"]),
        ("span.status.message", &["0: 0 \"late\"", "0: 1 \"late\""]),
        ("spanevent.attributes[*]", &["0: 0 q=\"sql\"", "0: 1 q=\"sql\""]),
        ("spanlink.trace_state", &["0: 0 \"s\"", "0: 1 \"s\""]),
    ] {
        assert_eq!(shown(&project(&plan(&[path], &[]), &payload).batch), cells, "{path}");
    }
    let batch = project(&plan(&["spanlink.flags", "spanevent.name"], &[]), &payload).batch;
    let parents = vec![0, 1];
    assert_eq!(
        levels(&batch),
        [
            (Level::Origin, 1, vec![]),
            (Level::Scope, 1, vec![0]),
            (Level::Item, 2, vec![0, 0]),
            (Level::Event, 2, parents.clone()),
            (Level::Link, 2, parents),
        ]
    );
}

fn metrics() -> Metrics {
    let exemplar = Exemplar {
        filtered_attributes: vec![pair("who", text("ann"))],
        value: Some(exemplar::Value::AsDouble(1.5)),
        ..Exemplar::default()
    };
    let number = |value, key: &str| NumberDataPoint {
        attributes: vec![pair("k", text(key))],
        exemplars: vec![exemplar.clone()],
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let gauge = Gauge { data_points: vec![number(number_data_point::Value::AsInt(0), "g")] };
    let sum = Sum {
        data_points: vec![number(number_data_point::Value::AsDouble(2.5), "s")],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let point = HistogramDataPoint { count: 9, sum: Some(4.5), min: Some(0.0), ..HistogramDataPoint::default() };
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: 1 };
    let metric = |name: &str, data| Metric { name: name.to_owned(), data: Some(data), ..Metric::default() };
    let metrics = vec![
        metric("a", metric::Data::Gauge(gauge)),
        metric("b", metric::Data::Sum(sum)),
        metric("c", metric::Data::Histogram(histogram)),
    ];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    Metrics { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] }
}

#[test]
fn data_points_of_every_kind_are_items() {
    let payload = payload(Signal::Metrics, &metrics());
    for (path, cells) in [
        ("metric.name", &["0: 0 \"a\"", "0: 1 \"b\"", "0: 2 \"c\""] as &[&str]),
        ("datapoint.attributes[*]", &["0: 0 k=\"g\"", "0: 1 k=\"s\""]),
        ("datapoint.value", &["0: 0 0", "0: 1 2.5"]),
        ("datapoint.count", &["0: 2 9"]),
        ("datapoint.sum", &["0: 2 4.5"]),
        ("datapoint.min", &["0: 2 0.0"]),
        ("datapoint.max", &[]),
        ("metric.is_monotonic", &["0: 1 true"]),
        ("metric.aggregation_temporality", &["0: 1 2", "0: 2 1"]),
        ("exemplar.attributes[*]", &["0: 0 who=\"ann\"", "0: 1 who=\"ann\""]),
        ("exemplar.value", &["0: 0 1.5", "0: 1 1.5"]),
    ] {
        assert_eq!(shown(&project(&plan(&[path], &[]), &payload).batch), cells, "{path}");
    }
    let batch = project(&plan(&["datapoint.flags"], &[]), &payload).batch;
    let (origin, scope) = ((Level::Origin, 1, vec![]), (Level::Scope, 1, vec![0]));
    assert_eq!(levels(&batch), [origin, scope, (Level::Metric, 3, vec![0; 3]), (Level::Item, 3, vec![0, 1, 2])]);
}

#[test]
fn rows_are_given_down_to_the_deepest_level_that_the_plan_names() {
    let payload = payload(Signal::Logs, &sample());
    let names = |plan: &Plan| project(plan, &payload).batch.levels.iter().map(|rows| rows.level).collect::<Vec<_>>();
    assert_eq!(names(&plan(&["resource.attributes[*]"], &[])), [Level::Origin]);
    assert_eq!(names(&plan(&[], &["scope.name"])), [Level::Origin, Level::Scope]);
    assert_eq!(names(&plan(&[], &[])), []);
    assert_eq!(names(&plan(&[], &["drop"])), [Level::Origin, Level::Scope, Level::Item]);
}

#[test]
fn only_cells_in_which_a_pattern_matches_cross_over() {
    let payload = payload(Signal::Logs, &sample());
    let reads = vec![read("log.body[**]", &["an+", "n"]), read("log.attributes[**]", &["two"])];
    let projection = project(&Plan { reads, ..Plan::default() }, &payload);
    assert_eq!(shown(&projection.batch), ["0: 0 user=\"ann\"", "0: 1 =\"plain\"", "1: 0 a=\"two\""]);
    let matches: Vec<_> =
        projection.batch.columns[0].matches.iter().map(|m| (m.index, m.pattern, m.start, m.end)).collect();
    assert_eq!(matches, [(0, 0, 0, 3), (0, 1, 1, 2), (0, 1, 2, 3), (1, 1, 4, 5)]);
    assert!(projection.needs_guest());
}

#[test]
fn a_guest_is_not_needed_where_no_pattern_matched() {
    let payload = payload(Signal::Logs, &sample());
    let with = |reads| project(&Plan { reads, ..Plan::default() }, &payload).needs_guest();
    assert!(!with(vec![read("log.body[**]", &["nowhere"])]));
    assert!(with(vec![read("log.body[**]", &["nowhere"]), read("log.severity_text", &[])]));
    assert!(with(vec![]));
}

#[test]
fn segments_are_walked_one_after_the_other() {
    let mut joined = payload(Signal::Logs, &sample());
    joined.join(payload(Signal::Logs, &sample()));
    let batch = project(&plan(&["log.body", "resource.attributes[*]"], &[]), &joined).batch;
    assert_eq!(shown(&batch), ["0: 1 \"plain\"", "0: 3 \"plain\"", "1: 0 host=\"h1\"", "1: 1 host=\"h1\""]);
    assert_eq!(levels(&batch)[2], (Level::Item, 4, vec![0, 0, 1, 1]));
    assert_eq!(batch.dictionary.ends.len(), 1);
}

#[test]
fn unknown_fields_are_taken_out_where_a_wildcard_or_a_pattern_reads() {
    let mut bytes = sample().encode_to_vec();
    bytes.extend_from_slice(&[0x9a, 0x06, 3, b'e', b'v', b'e']);
    let payload = checked(Signal::Logs, bytes);
    assert_eq!(payload.unknown_fields(), 1);
    let left = |plan: &Plan| project(plan, &payload).payload().contiguous().ends_with(b"eve");
    assert!(left(&plan(&["log.severity_text"], &[])));
    assert!(!left(&plan(&["log.body[**]"], &[])));
    assert!(!left(&Plan { reads: vec![read("log.severity_text", &["x"])], ..Plan::default() }));
}

#[test]
fn a_meter_that_runs_out_ends_the_walk() {
    let records = (0..2000).map(|_| record(text("body"), vec![])).collect();
    let payload = payload(Signal::Logs, &logs(vec![], records));
    let projector = compile(Signal::Logs, &plan(&["log.body"], &[])).unwrap();
    assert_eq!(projector.project(payload.clone(), &mut Spent).unwrap_err(), Overrun);

    struct Count(u32);
    impl Meter for Count {
        fn spent(&mut self) -> bool {
            self.0 += 1;
            false
        }
    }
    let mut count = Count(0);
    projector.project(payload, &mut count).unwrap();
    assert!((20..200).contains(&count.0), "asked {} times for 2,000 records", count.0);
}

#[test]
fn a_resource_of_many_attributes_is_metered_too() {
    let attributes = (0..10_000).map(|number| pair(&number.to_string(), text(&"x".repeat(100)))).collect();
    let payload = payload(Signal::Logs, &logs(attributes, vec![]));
    let plan = Plan { reads: vec![read("resource.attributes[**]", &["never"])], ..Plan::default() };
    let projector = compile(Signal::Logs, &plan).unwrap();
    assert_eq!(projector.project(payload, &mut Spent).unwrap_err(), Overrun);
}

#[test]
fn a_batch_takes_no_more_room_than_it_may() {
    let limits = Limits { room: 100_000, ..Limits::default() };
    let payload = payload(Signal::Logs, &logs(vec![], vec![record(text(&"1".repeat(10_000)), vec![])]));
    for (reads, fits) in [
        (vec![read("log.body", &[]); 9], true),
        (vec![read("log.body", &[]); 10], false),
        (vec![read("log.body", &["\\d{3}"])], true),
        (vec![read("log.body", &["\\d"])], false),
        (vec![read("log.body", &["[0-9a-zA-Z]"])], false),
    ] {
        let plan = Plan { reads, ..Plan::default() };
        let projector = Projector::compile(Signal::Logs, &plan, &everything(), &limits).unwrap();
        assert_eq!(projector.project(payload.clone(), &mut Unmetered).is_ok(), fits, "{plan:?}");
    }
}

fn refusal(signal: Signal, plan: &Plan, grants: &Grants) -> String {
    Projector::compile(signal, plan, grants, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn a_plan_that_exceeds_its_grants_is_refused_and_the_difference_named() {
    let grants = Grants {
        reads: strings(&["resource.attributes[*]"]),
        writes: strings(&["resource.attributes[\"cluster.id\"]", "drop"]),
    };
    let fits = plan(&["resource.attributes[\"host\"]"], &["resource.attributes[\"cluster.id\"]", "drop"]);
    Projector::compile(Signal::Logs, &fits, &grants, &Limits::default()).unwrap();
    for (plan, message) in [
        (
            plan(&["log.body"], &[]),
            "the plan reads `log.body`, which is not granted; granted are: `resource.attributes[*]`",
        ),
        (plan(&["resource.attributes[**]"], &[]), "the plan reads `resource.attributes[**]`, which is not granted"),
        (plan(&[], &["resource.attributes[*]"]), "the plan writes `resource.attributes[*]`, which is not granted"),
        (plan(&[], &["route"]), "the plan writes `route`, which is not granted"),
    ] {
        assert!(refusal(Signal::Logs, &plan, &grants).starts_with(message), "{message}");
    }
    let none = refusal(Signal::Logs, &plan(&["log.body"], &[]), &Grants::default());
    assert!(none.ends_with("granted are: none"), "{none}");
}

#[test]
fn what_is_not_granted_is_nowhere_in_the_batch() {
    let secret = "hunter2-in-the-body";
    let request = logs(
        vec![pair("host", text("h1"))],
        vec![record(map(vec![pair(secret, text(secret))]), vec![pair("password", text(secret))])],
    );
    let grants = Grants { reads: strings(&["resource.attributes[*]", "log.severity_number"]), ..Grants::default() };
    let plan = plan(&["resource.attributes[*]", "log.severity_number"], &[]);
    let projector = Projector::compile(Signal::Logs, &plan, &grants, &Limits::default()).unwrap();
    let batch = projector.project(payload(Signal::Logs, &request), &mut Unmetered).unwrap().batch;
    let holds = |text: &str| format!("{batch:?}").contains(&format!("{:?}", text.as_bytes()).replace(['[', ']'], ""));
    assert!(holds("h1") && holds("host"));
    assert!(!holds(secret) && !holds("password") && !holds("hunter2"));
}

#[test]
fn a_plan_that_cannot_be_run_is_refused() {
    let patterns = |path: &str, patterns: &[&str]| Plan { reads: vec![read(path, patterns)], ..Plan::default() };
    let many = Plan { reads: vec![read("log.body", &["x"; 64]); 17], ..Plan::default() };
    let routes = Plan { routes: strings(&["a"]), ..Plan::default() };
    for (plan, message) in [
        (plan(&["log.bodi"], &[]), "path `log.bodi`, at byte 4: `log` has no field `bodi`"),
        (plan(&["span.name"], &[]), "the plan reads `span.name`, which logs do not have"),
        (plan(&["log.attributes"], &[]), "`log.attributes` is a map; read `log.attributes[*]`"),
        (patterns("log.severity_number", &["1"]), "`log.severity_number` has patterns but holds no text"),
        (patterns("log.body", &["a("]), "`log.body`: pattern 0: "),
        (patterns("log.body", &["\\w{1000}{1000}"]), "`log.body`: pattern 0 compiles to more than"),
        (patterns("log.body", &[&"x".repeat(5000)]), "`log.body`: pattern 0 is longer than 4096 bytes"),
        (patterns("log.body", &["x"; 65]), "a read may have at most 64 patterns, and `log.body` has 65"),
        (many, "the plan has 1088 patterns, more than the limit of 1024"),
        (routes, "the plan names routes but does not ask to `route`"),
    ] {
        let refused = refusal(Signal::Logs, &plan, &everything());
        assert!(refused.starts_with(message), "{refused}");
    }
    let mut named = patterns("log.body", &["a", "b["]);
    named.reads[0].names = strings(&["first", "patterns[1].regex"]);
    let refused = refusal(Signal::Logs, &named, &everything());
    assert!(refused.starts_with("patterns[1].regex: unclosed character class"), "{refused}");
    let some = patterns("log.body", &["a"]);
    let refused = Projector::compile_within(Signal::Logs, &some, &everything(), &Limits::default(), &mut Spent);
    assert_eq!(refused.err(), Some(PlanError::Overrun));
    let grants = Grants { reads: strings(&["lgo"]), ..Grants::default() };
    let refused = Projector::compile(Signal::Logs, &plan(&[], &[]), &grants, &Limits::default());
    assert!(matches!(refused, Err(PlanError::Grant(_))), "an operator is told of a grant that means nothing");
}

#[test]
fn the_patterns_of_all_reads_share_one_limit() {
    let reads = [read("log.body", &["[a-f]{200}x"]), read("log.severity_text", &["[a-f]{200}y"])];
    let refused = |reads: &[crate::Read], limit: usize| {
        let limits = Limits { pattern_size: limit, ..Limits::default() };
        let plan = Plan { reads: reads.to_vec(), ..Plan::default() };
        Projector::compile(Signal::Logs, &plan, &everything(), &limits).err().map(|error| error.to_string())
    };
    let size = Patterns::compile(&reads[0].patterns, 4096, usize::MAX, &mut Unmetered).unwrap().memory_usage();
    assert_eq!(refused(&reads[..1], size + size / 2), None);
    let second = refused(&reads, size + size / 2).unwrap();
    assert!(second.starts_with("`log.severity_text`: pattern 0 compiles to more than"), "{second}");
    assert_eq!(refused(&[reads[0].clone(), reads[0].clone()], size + size / 2), None);
}

/// What the naive reading finds, in the order of the batch.
fn naive_cells(request: &Logs) -> Vec<naive::Cell> {
    let mut cells = Vec::new();
    naive::visit(&mut request.clone(), &mut |cell| {
        cells.push(cell);
        Change::Keep
    });
    cells.sort_by_key(|cell| (cell.read, naive::slot(cell)));
    cells
}

fn same_cells(request: &Logs, bytes: Vec<u8>) -> Result<(), proptest::test_runner::TestCaseError> {
    let payload = checked(Signal::Logs, bytes);
    prop_assert_eq!(&decoded::<Logs>(&payload), request);
    let batch = project(&plan(&READS, &[]), &payload).batch;
    let cells: Vec<_> = naive::cells(&batch).into_iter().map(|(_, cell)| cell).collect();
    let mut wanted = naive_cells(request);
    for cell in &mut wanted {
        // What stands alone in its field has no key; what stands alone under `[**]` has the empty one.
        if READS[cell.read].ends_with(']') {
            cell.key.get_or_insert_default();
        }
    }
    prop_assert_eq!(cells, wanted);
    let rows: Vec<u32> = batch.levels.iter().map(|rows| rows.count).collect();
    let scopes = || request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    let items = scopes().map(|scope| scope.log_records.len()).sum::<usize>();
    prop_assert_eq!(rows, [request.resource_logs.len(), scopes().count(), items].map(|count| count as u32));
    Ok(())
}

/// A mail address, numbers in groups, an address, and something that many texts have.
const PATTERNS: [&str; 4] = [r"[a-z]+@[a-z.]+", r"(?-u:\b)\d{2}[- ]?\d(?-u:\b)", r"(?:\d{1,3}\.){3}\d{1,3}", "b ?c|☃"];

fn matching_cells(request: &Logs, bytes: Vec<u8>) -> Result<(), proptest::test_runner::TestCaseError> {
    static PROJECTOR: LazyLock<Projector> = LazyLock::new(|| {
        let reads = READS.iter().map(|path| read(path, &PATTERNS)).collect();
        compile(Signal::Logs, &Plan { reads, ..Plan::default() }).unwrap()
    });
    // What is ASCII here and Unicode there makes no difference in the texts at hand.
    static REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| PATTERNS.iter().map(|p| Regex::new(p).unwrap()).collect());
    let batch = PROJECTOR.project(checked(Signal::Logs, bytes), &mut Unmetered).unwrap().batch;
    let cells: Vec<_> = naive::cells(&batch).into_iter().map(|(_, cell)| cell.value).collect();
    let all = naive_cells(request).into_iter().map(|cell| cell.value);
    let matches = |value: &Value| match value {
        Value::StringValue(text) => REGEXES.iter().any(|regex| regex.is_match(text)),
        Value::BytesValue(bytes) => REGEXES.iter().any(|regex| regex.is_match(bytes)),
        _ => false,
    };
    prop_assert_eq!(cells, all.filter(matches).collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #[test]
    fn just_the_cells_in_which_a_pattern_matches_cross_over(request in strategy::logs()) {
        matching_cells(&request, request.encode_to_vec())?;
        let bytes = odd::scrambled(Schema::request(Signal::Logs), &request.encode_to_vec());
        matching_cells(&Logs::decode(bytes.as_slice()).unwrap(), bytes)?;
    }

    #[test]
    fn every_log_request_is_projected_as_prost_decodes_it(request in strategy::logs()) {
        same_cells(&request, request.encode_to_vec())?;
    }

    #[test]
    fn an_oddly_encoded_request_is_projected_as_prost_decodes_it(request in strategy::logs()) {
        let bytes = odd::scrambled(Schema::request(Signal::Logs), &request.encode_to_vec());
        let seen = Logs::decode(bytes.as_slice()).unwrap();
        same_cells(&seen, bytes)?;
    }
}

#[test]
fn a_metric_tells_which_type_of_data_it_holds_and_lets_nobody_write_that() {
    let data = [
        metric::Data::Gauge(Gauge::default()),
        metric::Data::Sum(Sum::default()),
        metric::Data::Histogram(Histogram::default()),
        metric::Data::ExponentialHistogram(ExponentialHistogram::default()),
        metric::Data::Summary(Summary::default()),
    ];
    let metrics = data.map(|data| Metric { data: Some(data), ..Metric::default() });
    let scope_metrics = vec![ScopeMetrics { metrics: metrics.to_vec(), ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let request = Metrics { resource_metrics };
    let types = project(&plan(&["metric.type"], &[]), &payload(Signal::Metrics, &request)).batch;
    assert_eq!(shown(&types), ["0: 0 1", "0: 1 2", "0: 2 3", "0: 3 4", "0: 4 5"]);

    let refused = refusal(Signal::Metrics, &plan(&[], &["metric.type"]), &everything());
    assert!(refused.contains("can only be read"), "{refused}");
}
