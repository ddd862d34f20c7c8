//! What a host says of its modules on its own pod.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::report::{Complaint, Host, LIVE, Reporter, Said, State, event, written};

fn state(head: &str, state: &str, since: Option<Instant>) -> State {
    State {
        head: head.to_owned(),
        module: "pii-scrub".to_owned(),
        revision: 1,
        digest: "d".repeat(12),
        state: state.to_owned(),
        reason: String::new(),
        manifest: "m".repeat(12),
        since,
    }
}

fn said(heads: Vec<State>) -> Said {
    let wanted = [("pii-scrub".to_owned(), String::new())].into();
    Said { wanted, heads, left_out: 0 }
}

fn read(text: &str) -> Host {
    Host::read("host-0".to_owned(), text).unwrap()
}

#[test]
fn what_does_not_fit_an_annotation_is_what_has_been_live_longest_and_is_counted() {
    let start = Instant::now();
    let live = |number: u64| state(&format!("head-{number}"), LIVE, Some(start + Duration::from_secs(number)));
    let mut heads: Vec<State> = (0..5000).map(live).collect();
    // What is pushed last may come first, or last, by its name.
    heads.push(state("a-pushed", LIVE, Some(start + Duration::from_secs(9000))));
    heads.push(state("z-pushed", LIVE, Some(start + Duration::from_secs(9001))));
    heads.push(state("zz-refused", "Refused", None));
    let all = said(heads);
    let (text, left_out) = written(&all);
    assert!(text.len() <= 200 << 10, "{}", text.len());
    let host = read(&text);
    let names: BTreeSet<&str> = host.modules.iter().filter_map(|report| report.head.as_deref()).collect();
    for name in ["a-pushed", "z-pushed", "zz-refused", "head-4999"] {
        assert!(names.contains(name), "{name}");
    }
    assert!(!names.contains("head-0"));
    assert_eq!((host.left_out, names.len() + left_out), (left_out, all.heads.len()));
    assert!(names.len() > 1500, "no more is left out than has to be: {}", names.len());
    let (text, left_out) = written(&said(vec![live(1)]));
    assert_eq!((left_out, read(&text).left_out), (0, 0));
}

#[test]
fn also_what_is_refused_at_length_fits() {
    let refused = |number: u64| State { reason: "x".repeat(5000), ..state(&format!("head-{number}"), "Refused", None) };
    let (text, left_out) = written(&said((0..500).map(refused).collect()));
    assert!(text.len() <= 200 << 10, "{}", text.len());
    assert!(left_out > 0 && read(&text).left_out == left_out, "{left_out}");
}

#[test]
fn a_module_of_which_nothing_is_there_is_told_from_the_start() {
    let reporter = Reporter::new(Some("host-0".to_owned()));
    assert!(!reporter.is_due(&Said::default()), "a host without modules says nothing");
    let wanted = [("pii-scrub".to_owned(), "nothing was pushed yet".to_owned())].into();
    let missing = Said { wanted, ..Said::default() };
    assert!(reporter.is_due(&missing));
    let host = read(&written(&missing).0);
    assert!(host.wanted.contains("pii-scrub"));
    let [report] = &host.modules[..] else { panic!("{host:?}") };
    assert_eq!((report.state.as_str(), report.reason.as_str()), ("Missing", "nothing was pushed yet"));
    assert_eq!((report.head.as_ref(), report.module.as_str()), (None, "pii-scrub"));
}

#[test]
fn what_a_pod_is_told_is_read_as_it_was() {
    let mut own = state("pii-scrub", LIVE, Some(Instant::now()));
    let mut other = state("pii-eu", "Tie", None);
    (own.revision, other.reason) = (7, "of two".to_owned());
    let host = read(&written(&said(vec![own, other])).0);
    let told: Vec<_> = host
        .modules
        .iter()
        .map(|report| (report.head.as_deref(), report.module.as_str(), report.state.as_str()))
        .collect();
    assert_eq!(told, [(Some("pii-eu"), "pii-scrub", "Tie"), (Some("pii-scrub"), "pii-scrub", LIVE)]);
    assert_eq!((host.modules[1].revision, host.modules[0].reason.as_str()), (7, "of two"));
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
