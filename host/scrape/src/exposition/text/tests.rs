//! What lines of the text formats mean.

use proptest::prelude::*;

use super::*;
use crate::exposition::series::labels;

fn read(text: &str, format: Format) -> Result<Vec<Event<'_>>, ParseError> {
    Reader::new(text, format).collect()
}

fn samples(text: &str, format: Format) -> Vec<Sample<'_>> {
    let events = read(text, format).unwrap();
    events.into_iter().filter_map(|event| if let Event::Sample(sample) = event { Some(sample) } else { None }).collect()
}

#[test]
fn a_family_has_help_a_type_and_samples() {
    let text = "# HELP http_requests_total All \\\"requests\\\".\\n\n# TYPE http_requests_total counter\n\
                http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\nhttp_requests_total 3\n\n# a comment\n";
    let events = read(text, Format::Prometheus).unwrap();
    assert_eq!(events.len(), 4);
    assert_eq!(events[0], Event::Help("http_requests_total".into(), "All \\\"requests\\\".\n".into()));
    assert_eq!(events[1], Event::Type("http_requests_total".into(), Kind::Counter));
    let Event::Sample(sample) = &events[2] else { panic!("{events:?}") };
    assert_eq!(sample.series, "http_requests_total{method=\"post\",code=\"200\"}");
    assert_eq!((sample.value, sample.time), (1027.0, Some(1_395_066_363_000)));
}

#[test]
fn values_are_all_that_go_reads() {
    let text = "a NaN\nb +Inf\nc -Inf\nd 1e3\ne 0.5\nf -2\n g\t7 ";
    let values: Vec<f64> = samples(text, Format::Prometheus).iter().map(|sample| sample.value).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, 1000.0, 0.5, -2.0, 7.0]);
}

#[test]
fn values_of_labels_are_unescaped_and_may_hold_anything() {
    let text = "m{a=\"x\\\\y\\\"z\\nw\",b=\"}{,#=\" , c = \"\" , } 1";
    let sample = samples(text, Format::Prometheus).remove(0);
    let labels = labels(sample.series).unwrap();
    assert_eq!((labels.get("a"), labels.get("b"), labels.has("c")), ("x\\y\"z\nw", "}{,#=", false));
    assert_eq!(labels.get("__name__"), "m");
}

#[test]
fn names_may_be_quoted() {
    let sample = samples("{\"http.requests\",\"k.v\"=\"1\",x=\"2\"} 4", Format::Prometheus).remove(0);
    let labels = labels(sample.series).unwrap();
    assert_eq!((labels.get("__name__"), labels.get("k.v"), labels.get("x")), ("http.requests", "1", "2"));
    let events = read("# TYPE \"http.requests\" counter\n", Format::Prometheus).unwrap();
    assert_eq!(events, [Event::Type("http.requests".into(), Kind::Counter)]);
}

#[test]
fn open_metrics_has_units_times_in_seconds_and_exemplars() {
    let text = "# TYPE foo_seconds counter\n# UNIT foo_seconds seconds\nfoo_seconds_total 17.0 1520879607.789 # \
                {trace_id=\"abc\"} 0.67 1520879606.1\n# EOF\n";
    let events = read(text, Format::OpenMetrics).unwrap();
    assert_eq!(events[1], Event::Unit("foo_seconds".into(), "seconds"));
    let Event::Sample(sample) = &events[2] else { panic!("{events:?}") };
    assert_eq!((sample.value, sample.time), (17.0, Some(1_520_879_607_789)));
    let exemplar = sample.exemplar.as_ref().unwrap();
    assert_eq!((exemplar.labels.get("trace_id"), exemplar.value), ("abc", 0.67));
    assert_eq!(exemplar.time, Some(1_520_879_606_100));
}

#[test]
fn open_metrics_ends_with_its_end() {
    assert!(read("a 1\n", Format::OpenMetrics).unwrap_err().what.contains("# EOF"));
    assert!(read("a 1\n# EOF\nb 2\n", Format::OpenMetrics).unwrap_err().what.contains("behind"));
    assert_eq!(read("a 1\n# EOF", Format::OpenMetrics).unwrap().len(), 1);
}

#[test]
fn a_series_with_more_labels_than_any_has_is_refused_before_it_takes_much_time() {
    let series = |labels: usize| {
        let pairs: Vec<String> = (0..labels).map(|at| format!("l{at}=\"\"")).collect();
        format!("m{{{}}}", pairs.join(","))
    };
    assert!(labels(&series(1024)).is_ok());
    assert_eq!(labels(&series(200_000)).unwrap_err(), "a series has more than 1024 labels");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, what) in [
        ("a 1\nb x\n", "line 2: \"x\" is no value"),
        ("a{b=\"c} 1\n", "line 1: a label set has no `}`, or a value no `\"`"),
        ("a 1 2 3\n", "line 1: \"3\" stands behind the sample"),
        ("a 1 1.5\n", "line 1: \"1.5\" is no time"),
        ("# TYPE a thing\n", "line 1: \"thing\" is no type of a metric"),
        ("# TYPE 1a gauge\n", "line 1: \"1a\" is no name of a metric"),
        ("a\n", "line 1: \"\" is no value"),
    ] {
        assert_eq!(read(text, Format::Prometheus).unwrap_err().to_string(), what);
    }
    for (series, what) in [
        ("1a", "\"1a\" is no name of a metric"),
        ("a{b=\"1\",b=\"2\"}", "the label \"b\" is there twice"),
        ("a{b}", "the label \"b\" has no value"),
        ("a{b=\"1\" c=\"2\"}", "\"c=\\\"2\\\"\" stands behind a label"),
        ("{a=\"b\"}", "a sample has no name"),
    ] {
        assert_eq!(labels(series).unwrap_err(), what);
    }
}

proptest! {
    /// What was written is what is read, whatever the values hold.
    #[test]
    fn what_is_written_is_read(
        pairs in proptest::collection::btree_map("[a-z_]{1,5}", "\\PC{1,8}|[\"\\\\\n]{1,3}", 0..4),
        value in proptest::num::f64::NORMAL,
    ) {
        let escaped = |text: &String| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let set: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let text = format!("metric{{{}}} {value:e}\n", set.join(","));
        let sample = samples(&text, Format::Prometheus).remove(0);
        prop_assert_eq!(sample.value, value);
        let labels = labels(sample.series).unwrap();
        prop_assert_eq!(labels.len(), pairs.len() + 1);
        for (name, value) in &pairs {
            prop_assert_eq!(labels.get(name), value);
        }
    }

    /// Nothing that is exposed makes the reader panic or go on for ever.
    #[test]
    fn anything_is_read(text in "[ -~\n\t\"{}=,#\\\\é]{0,80}") {
        for format in [Format::Prometheus, Format::OpenMetrics] {
            for event in Reader::new(&text, format) {
                if let Ok(Event::Sample(sample)) = event {
                    let _ = labels(sample.series);
                }
            }
        }
    }
}
