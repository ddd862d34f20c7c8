//! The table of `tidegate module status`.

use std::collections::BTreeSet;

use host_modules::{Host, Report};

use super::{left_out, print, rows};

fn report(head: Option<&str>, state: &str) -> Report {
    Report {
        head: head.map(str::to_owned),
        module: "pii-scrub".to_owned(),
        revision: 1,
        digest: "d0831c5876ab".to_owned(),
        state: state.to_owned(),
        reason: String::new(),
        manifest: "0123456789ab".to_owned(),
    }
}

fn host(pod: &str, modules: Vec<Report>, left_out: usize) -> Host {
    Host { pod: pod.to_owned(), wanted: BTreeSet::from(["pii-scrub".to_owned()]), modules, left_out }
}

fn printed(hosts: &[Host]) -> Vec<String> {
    let mut out = Vec::new();
    print(&rows(hosts), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_module_that_is_missing_has_a_line_and_makes_no_column_of_heads() {
    let mut missing = report(None, "Missing");
    missing.reason = "nothing was pushed yet".to_owned();
    let live = host("one", vec![report(Some("pii-scrub"), "Live")], 0);
    let told = printed(&[live, host("two", vec![missing.clone()], 0)]);
    assert_eq!(told[0], "MODULE      HOST   REVISION   DIGEST         STATE     REASON");
    // What is missing comes first.
    assert!(
        told[1].contains("pii-scrub   two    <none>     <none>         Missing   nothing was pushed yet"),
        "{told:?}"
    );
    assert_eq!(told[2], "pii-scrub   one    1          d0831c5876ab   Live");
    let told = printed(&[host("one", vec![report(Some("pii-eu"), "Live"), missing], 0)]);
    assert!(told[0].contains("HEAD") && told[1].contains("<none>") && told[2].contains("pii-eu"), "{told:?}");
}

#[test]
fn a_host_whose_pod_has_no_room_is_told_of() {
    let hosts = [host("one", vec![report(Some("pii-scrub"), "Live")], 1234), host("two", Vec::new(), 0)];
    let told = left_out(&hosts);
    assert_eq!(told, ["one has 1,234 more, for which its pod has no room: those that have been live longest"]);
}
