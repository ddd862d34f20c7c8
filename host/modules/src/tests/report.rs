//! What a host says of its modules on its own pod.

use crate::report::{Complaint, LIVE, State, States, event, said};

fn state(state: &str) -> State {
    State {
        module: "pii-scrub".to_owned(),
        revision: 1,
        digest: "d".repeat(64),
        state: state.to_owned(),
        reason: String::new(),
        manifest: "m".repeat(64),
    }
}

#[test]
fn what_does_not_fit_an_annotation_is_left_out_as_far_as_it_is_live() {
    let mut states: States = (0..5000).map(|number| (format!("head-{number}"), state(LIVE))).collect();
    states.insert("zz-refused".to_owned(), state("Refused"));
    let (text, left_out) = said(&states);
    assert!(text.len() <= 200 << 10, "{}", text.len());
    let told: States = serde_json::from_str(&text).unwrap();
    assert!(told.contains_key("zz-refused"));
    assert_eq!(told.len() + left_out, states.len());
    assert!(told.len() > 500, "no more is left out than has to be: {}", told.len());
    let few: States = [("head".to_owned(), state(LIVE))].into();
    assert_eq!(said(&few).1, 0);
}

#[test]
fn an_event_has_one_name_on_all_hosts_and_another_for_what_else_is_refused_or_for_another_reason() {
    let named = |manifest: &str, reason: &str, message: &str| {
        let complaint = Complaint { head: "pii-scrub", uid: None, manifest, reason, message };
        event("default", &complaint).metadata.name.unwrap()
    };
    let name = named("first", "Refused", "one host's words");
    assert_eq!(name, named("first", "Refused", "another host's words"));
    let others = [named("second", "Refused", ""), named("first", "Tie", "")];
    assert!(!others.contains(&name) && others[0] != others[1], "{name}: {others:?}");
}

#[test]
fn an_event_of_a_head_with_the_longest_name_has_one_that_may_be() {
    let named = |head: &str| {
        let complaint = Complaint { head, uid: None, manifest: "", reason: "InvalidManifest", message: "" };
        event("default", &complaint).metadata.name.unwrap()
    };
    let long = format!("{}.{}", "h".repeat(199), "i".repeat(53));
    let name = named(&long);
    assert!(name.len() <= 253 && !name.contains(".."), "{name}");
    assert_ne!(name, named(&format!("{long}j")));
}
