//! Metrics that are made point by point.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;

use crate::{Choices, Kind, Recorder, Spec};

const OFF: Spec = Spec::new(Kind::Gauge, "test.off", "1", "").optional();
const SUM: Spec = Spec::new(Kind::Sum, "test.sum", "By", "What.");

fn choices(text: &str) -> Choices {
    host_config::Value::parse("test", text).unwrap().decode().unwrap()
}

#[test]
fn points_of_a_metric_stand_together_and_those_of_one_that_is_off_nowhere() {
    let choices = Choices::default();
    let mut recorder = Recorder::new(&choices, 10, 20);
    recorder.record(&SUM, 1u64, &[("state", "used")]);
    recorder.record(&OFF, 0.5, &[]);
    recorder.record(&SUM, u64::MAX, &[("state", "free")]);
    let metrics = recorder.finish();
    assert_eq!(metrics.len(), 1);
    let Some(Data::Sum(sum)) = &metrics[0].data else { panic!() };
    assert!(!sum.is_monotonic);
    let values: Vec<_> = sum.data_points.iter().map(|point| point.value).collect();
    assert_eq!(values, [Some(Value::AsInt(1)), Some(Value::AsInt(i64::MAX))]);
    assert!(sum.data_points.iter().all(|p| (p.start_time_unix_nano, p.time_unix_nano) == (10, 20)));
}

#[test]
fn a_metric_is_switched_on_and_off_by_name_and_a_gauge_has_no_start() {
    let choices = choices("{test.off: {enabled: true}, test.sum: {enabled: false}}");
    let mut recorder = Recorder::new(&choices, 10, 20);
    assert!(!recorder.wants(&SUM));
    recorder.record(&SUM, 1u64, &[]);
    recorder.record(&OFF, 0.5, &[]);
    let metrics = recorder.finish();
    let Some(Data::Gauge(gauge)) = &metrics[0].data else { panic!() };
    assert_eq!((metrics.len(), gauge.data_points[0].start_time_unix_nano), (1, 0));
}

#[test]
fn a_metric_that_is_not_there_is_refused_with_the_one_that_may_have_been_meant() {
    let wrongs = choices("{test.of: {enabled: true}, test.sum: {enabled: true}}").wrongs("metrics", &[OFF, SUM]);
    let told: Vec<_> = wrongs.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["metrics.test.of: there is no such metric here; did you mean `test.off`?"]);
}
