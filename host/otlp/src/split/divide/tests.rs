//! Dividing by example; `tests/it/split.rs` holds the property.

use crate::build::{Logs, Metrics, Temporality};
use crate::check::{Limits, check};
use crate::payload::Payload;
use crate::signal::Signal;
use crate::view;

/// Log records with these bodies, all of one resource and scope.
fn logs(bodies: &[&str]) -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| resource.attribute("service.name", "cart"));
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| scope.name("orders"));
            bodies.iter().for_each(|body| scope_logs.log_record(|record| record.body(*body)));
        });
    });
    logs.finish()
}

/// The bodies of a payload with the name of the service that each is of.
fn told(payload: &Payload) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for resource_logs in view::logs(payload) {
        let service = resource_logs.resource.and_then(|mut resource| resource.attributes.next());
        let Some(Some(view::AnyValue::Text(service))) = service.map(|pair| pair.value) else { panic!("a service") };
        for record in resource_logs.scope_logs.flat_map(|scope_logs| scope_logs.log_records) {
            let Some(view::AnyValue::Text(body)) = record.body else { panic!("a body") };
            told.push((service.to_owned(), body.to_owned()));
        }
    }
    told
}

fn bodies(payload: &Payload) -> Vec<String> {
    told(payload).into_iter().map(|(_, body)| body).collect()
}

#[test]
fn each_item_goes_to_its_place_in_order_with_what_is_around_it() {
    let division = logs(&["a", "b", "c", "d"]).divide(&[1, 0, 1, 2]);
    let parts = [0, 1, 2].map(|place| division.part(place));
    assert_eq!(parts.each_ref().map(bodies), [vec!["b"], vec!["a", "c"], vec!["d"]]);
    assert_eq!(parts.each_ref().map(Payload::items), [1, 2, 1]);
    for part in &parts {
        assert!(told(part).iter().all(|(service, _)| service == "cart"));
        assert_eq!(check(Signal::Logs, part.contiguous(), &Limits::default()).unwrap().items(), part.items());
    }
    assert!(division.part(3).is_empty(), "nothing goes there");
}

#[test]
fn what_goes_as_a_whole_is_shared() {
    let mut payload = logs(&["a", "b"]);
    payload.join(logs(&["c"]));
    payload.join(logs(&["d", "e"]));
    let division = payload.clone().divide(&[7, 7, 3, 7, 3]);
    let (sevens, threes) = (division.part(7), division.part(3));
    assert_eq!(
        (bodies(&sevens), bodies(&threes)),
        (vec!["a".into(), "b".into(), "d".into()], vec!["c".into(), "e".into()])
    );
    assert_eq!(sevens.segments()[0].bytes().as_ptr(), payload.segments()[0].bytes().as_ptr());
    assert_eq!(threes.segments()[0].bytes().as_ptr(), payload.segments()[1].bytes().as_ptr());
}

#[test]
fn a_metric_whose_points_part_keeps_its_name_and_its_temporality() {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.metric(|metric| {
                metric.name("requests");
                metric.sum(|sum| {
                    (0..3).for_each(|n| sum.data_point(|point| point.as_int(n)));
                    sum.aggregation_temporality(Temporality::Delta);
                });
            });
        });
    });
    let division = metrics.finish().divide(&[0, 1, 0]);
    for (place, values) in [(0, vec![0, 2]), (1, vec![1])] {
        let part = division.part(place);
        let metric = view::metrics(&part).next().unwrap().scope_metrics.next().unwrap().metrics.next().unwrap();
        let sum = metric.sum.unwrap();
        assert_eq!((metric.name, sum.aggregation_temporality), ("requests", 1));
        assert_eq!(sum.data_points.filter_map(|point| point.as_int).collect::<Vec<_>>(), values);
    }
}

#[test]
fn what_has_no_items_goes_with_its_neighbour_and_is_not_lost() {
    // A resource without scopes before one item, between two and behind them, and a request with nothing else.
    let empty = [0x0a, 0x03, 0x1a, 0x01, b'u'];
    let item = |body: &str| logs(&[body]).contiguous().to_vec();
    let bytes = [&empty[..], &item("a"), &empty, &item("b"), &empty].concat();
    let payload = check(Signal::Logs, bytes.clone().into(), &Limits::default()).unwrap();
    let division = payload.divide(&[4, 5]);
    assert_eq!(division.part(4).contiguous(), [&empty[..], &item("a"), &empty].concat());
    assert_eq!(division.part(5).contiguous(), [&item("b")[..], &empty].concat());
    let alone = check(Signal::Logs, empty.to_vec().into(), &Limits::default()).unwrap();
    assert_eq!(alone.divide(&[]).part(0).contiguous(), empty.to_vec());
}

#[test]
fn unknown_fields_are_counted_where_they_went() {
    let mut bytes = logs(&["a", "b"]).contiguous().to_vec();
    bytes.extend([0x78, 0x01]);
    let payload = check(Signal::Logs, bytes.into(), &Limits::default()).unwrap();
    let division = payload.divide(&[0, 1]);
    assert_eq!([0, 1].map(|place| division.part(place).unknown_fields()), [1, 1]);
}
