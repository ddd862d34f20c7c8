//! Splitting by example; `tests/it/split.rs` holds the property.

use crate::build::{Logs, Metrics, Temporality};
use crate::check::{Limits, check};
use crate::payload::Payload;
use crate::signal::Signal;
use crate::view;

fn logs(records: usize, body: usize) -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| resource.attribute("service.name", "cart"));
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| scope.name("orders"));
            (0..records).for_each(|_| scope_logs.log_record(|record| record.body(&"b".repeat(body))));
        });
    });
    logs.finish()
}

fn items(pieces: &[Payload]) -> Vec<u64> {
    pieces.iter().map(Payload::items).collect()
}

#[test]
fn what_fits_is_returned_as_it_is() {
    let payload = logs(10, 10);
    let bytes = payload.contiguous();
    let pieces = payload.split(10, bytes.len());
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0].contiguous().as_ptr(), bytes.as_ptr());
}

#[test]
fn segments_that_fit_are_shared_and_not_cut() {
    let mut payload = logs(4, 10);
    payload.join(logs(4, 10));
    payload.join(logs(4, 10));
    let pieces = payload.clone().split(8, usize::MAX);
    assert_eq!(items(&pieces), [8, 4]);
    assert_eq!(pieces[1].segments()[0].bytes().as_ptr(), payload.segments()[2].bytes().as_ptr());
}

#[test]
fn every_piece_has_the_resource_and_the_scope() {
    let pieces = logs(10, 10).split(4, usize::MAX);
    assert_eq!(items(&pieces), [4, 4, 2]);
    for piece in &pieces {
        let [resource_logs] = view::logs(piece).collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(resource_logs.resource.unwrap().attributes.next().unwrap().key, "service.name");
        assert_eq!(resource_logs.scope_logs.clone().next().unwrap().scope.unwrap().name, "orders");
    }
}

#[test]
fn pieces_fill_the_bytes_that_they_may_have() {
    let one = logs(1, 100).len();
    let two = logs(2, 100).len();
    assert_eq!(items(&logs(5, 100).split(u64::MAX, two)), [2, 2, 1]);
    assert_eq!(items(&logs(5, 100).split(u64::MAX, two - 1)), [1; 5]);
    // Nothing fits: each item goes alone.
    let alone = logs(5, 100).split(u64::MAX, 1);
    assert_eq!(items(&alone), [1; 5]);
    assert_eq!(alone[0].len(), one);
}

#[test]
fn a_metric_that_is_cut_keeps_its_name_and_its_temporality() {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.metric(|metric| {
                metric.name("requests");
                metric.sum(|sum| {
                    sum.aggregation_temporality(Temporality::Delta);
                    (0..3).for_each(|n| sum.data_point(|point| point.as_int(n)));
                    sum.is_monotonic(true);
                });
            });
        });
    });
    let pieces = metrics.finish().split(2, usize::MAX);
    assert_eq!(items(&pieces), [2, 1]);
    for piece in &pieces {
        let metric = view::metrics(piece).next().unwrap().scope_metrics.next().unwrap().metrics.next().unwrap();
        let sum = metric.sum.unwrap();
        assert_eq!((metric.name, sum.aggregation_temporality, sum.is_monotonic), ("requests", 1, true));
    }
}

#[test]
fn unknown_fields_are_counted_where_they_went() {
    let mut bytes = logs(3, 10).contiguous().to_vec();
    bytes.extend([0x78, 0x01]);
    let payload = check(Signal::Logs, bytes.into(), &Limits::default()).unwrap();
    let pieces = payload.split(1, usize::MAX);
    assert_eq!(pieces.iter().map(Payload::unknown_fields).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn what_has_no_items_is_not_lost() {
    // Two resources without scopes, each with a schema URL.
    let bytes = [0x0a, 0x03, 0x1a, 0x01, b'u'].repeat(2);
    let payload = check(Signal::Logs, bytes.clone().into(), &Limits::default()).unwrap();
    let pieces = payload.split(0, 5);
    assert_eq!(pieces.iter().map(|piece| piece.contiguous().to_vec()).collect::<Vec<_>>().concat(), bytes);
    assert_eq!(pieces.len(), 2);
}

#[test]
fn a_large_resource_around_many_small_items_is_not_repeated_without_end() {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| resource.attribute("large", &"x".repeat(1 << 20)));
        resource_logs.scope_logs(|scope_logs| (0..1_000).for_each(|_| scope_logs.log_record(|_| {})));
    });
    let payload = logs.finish();
    let pieces = payload.clone().split(1, usize::MAX);
    assert!(pieces.iter().map(Payload::len).sum::<usize>() < 80 << 20);
    assert_eq!(pieces.iter().map(Payload::items).sum::<u64>(), 1_000);
    assert_eq!(pieces[0].items(), 1);
    // By bytes, too.
    let pieces = payload.clone().split(u64::MAX, payload.len() - 1_990);
    assert!(pieces.iter().map(Payload::len).sum::<usize>() < 80 << 20);
}
