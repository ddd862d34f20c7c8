//! Cutting between resources, by example and as a property.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::build::Logs;
use crate::payload::Payload;
use crate::view::{self, AnyValue, Resource};

/// One resource for each name, with as many records as its place says.
fn logs(names: &[&str]) -> Payload {
    let mut logs = Logs::new();
    for (at, name) in names.iter().enumerate() {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| resource.attribute("name", *name));
            resource_logs.scope_logs(|scope_logs| {
                (0..=at).for_each(|_| scope_logs.log_record(|record| record.body("said")));
            });
        });
    }
    logs.finish()
}

fn name<'p>(resource: Option<Resource<'p>>) -> &'p str {
    let value = resource.and_then(|resource| resource.attributes.clone().next()).and_then(|attribute| attribute.value);
    match value {
        Some(AnyValue::Text(name)) => name,
        _ => "",
    }
}

fn names(payload: &Payload) -> Vec<&str> {
    view::logs(payload).map(|logs| name(logs.resource)).collect()
}

#[test]
fn what_has_one_key_is_the_payload_itself() {
    let mut payload = logs(&["a", "a"]);
    payload.join(logs(&["a"]));
    let parts = payload.by_resource(100, name).unwrap();
    let [("a", part)] = parts.as_slice() else { panic!("{parts:?}") };
    let pointers = |payload: &Payload| -> Vec<_> { payload.segments().iter().map(|s| s.bytes().as_ptr()).collect() };
    assert_eq!(pointers(part), pointers(&payload));
}

#[test]
fn what_is_cut_lies_where_it_lay() {
    let payload = logs(&["a", "b", "b", "a"]);
    let parts = payload.by_resource(100, name).unwrap();
    let [("a", first), ("b", second)] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!((first.items(), second.items()), (1 + 4, 2 + 3));
    let whole = payload.segments()[0].bytes().as_ptr_range();
    assert!(first.segments().iter().all(|segment| whole.contains(&segment.bytes().as_ptr())));
}

#[test]
fn what_lies_in_many_places_is_put_together() {
    let payload = logs(&["a", "b"].repeat(100));
    let parts = payload.by_resource(100, name).unwrap();
    assert_eq!(parts.iter().map(|(_, part)| part.segments().len()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(parts.iter().map(|(_, part)| part.items()).sum::<u64>(), payload.items());
}

#[test]
fn no_more_parts_are_made_than_may_be() {
    let payload = logs(&["a", "b", "a", "c"]);
    assert!(payload.by_resource(2, name).is_none());
    assert_eq!(payload.by_resource(3, name).unwrap().len(), 3);
}

#[test]
fn there_is_no_part_of_nothing() {
    assert!(logs(&[]).by_resource(100, name).unwrap().is_empty());
}

proptest! {
    #[test]
    fn the_parts_are_the_whole(segments in vec(vec("[abc]", 0..8), 1..4)) {
        let mut payload = Payload::empty(crate::Signal::Logs);
        for names in &segments {
            payload.join(logs(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let parts = payload.by_resource(100, name).unwrap();
        for (key, part) in &parts {
            prop_assert!(names(part).iter().all(|name| name == key));
            let counted: usize = view::logs(part).flat_map(|l| l.scope_logs.clone()).map(|s| s.log_records.clone().count()).sum();
            prop_assert_eq!(part.items(), counted as u64);
        }
        let mut together: Vec<&str> = parts.iter().flat_map(|(_, part)| names(part)).collect();
        let mut whole = names(&payload);
        together.sort_unstable();
        whole.sort_unstable();
        prop_assert_eq!(together, whole);
        prop_assert_eq!(parts.iter().map(|(_, part)| part.items()).sum::<u64>(), payload.items());
    }
}
