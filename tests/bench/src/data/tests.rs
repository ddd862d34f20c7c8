//! What the loads promise: their item counts, and that of the second no request is like another.

use super::{Shape, Signal, Template, Texts, build, refresh};
use crate::rng::Rng;
use crate::walk;

const SIGNALS: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

fn count(signal: Signal, body: &[u8]) -> Option<u64> {
    match signal {
        Signal::Metrics => walk::points(body),
        _ => walk::records(body),
    }
}

fn refreshed(template: &Template, texts: &Texts, seed: u64) -> Vec<u8> {
    let mut request = template.body.clone();
    refresh(&mut request, template, texts, &mut Rng::new(seed));
    request
}

#[test]
fn a_template_has_the_items_that_it_says() {
    for signal in SIGNALS {
        for shape in [Shape::Pods, Shape::Unique(1), Shape::Unique(100)] {
            let template = build(signal, shape, 7);
            assert_eq!(count(signal, &template.body), Some(template.items), "{shape}");
        }
    }
}

#[test]
fn five_thousand_items_fit_into_what_a_grpc_server_takes() {
    for signal in SIGNALS {
        assert!(build(signal, Shape::Unique(5000), 7).body.len() < 4 << 20);
    }
}

#[test]
fn a_refreshed_request_is_new_in_every_item_and_as_well_formed() {
    let texts = Texts::new(1);
    for signal in SIGNALS {
        let template = build(signal, Shape::Unique(50), 7);
        let (one, other) = (refreshed(&template, &texts, 1), refreshed(&template, &texts, 2));
        assert_eq!(count(signal, &one), Some(50));
        let resources = |body: &[u8]| {
            let mut all = Vec::new();
            walk::each(body, |field| {
                if let walk::Field::Bytes(1, resource) = field {
                    all.push(resource.to_vec());
                }
                Some(())
            });
            all
        };
        let (one, other) = (resources(&one), resources(&other));
        assert_eq!(one.len(), 50);
        assert!(one.iter().zip(&other).all(|(a, b)| a != b));
    }
}

#[test]
fn the_same_serial_number_makes_the_same_bodies() {
    let texts = Texts::new(1);
    let template = build(Signal::Logs, Shape::Unique(5), 7);
    let (one, again) = (refreshed(&template, &texts, 3), refreshed(&template, &texts, 3));
    // The times are those of the sending.
    let differing = one.iter().zip(&again).filter(|(a, b)| a != b).count();
    assert!(differing <= 5 * 2 * 8, "{differing} bytes differ");
}
