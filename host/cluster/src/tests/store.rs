//! What is known, from the first list to the end of an object.

use host_kubernetes::Seen;
use k8s_openapi::api::core::v1::Namespace;
use serde_json::json;

use super::harness::{about, section};
use crate::store::Table;

fn namespace(name: &str) -> Namespace {
    serde_json::from_value(json!({ "metadata": { "name": name, "uid": format!("uid-{name}") } })).unwrap()
}

struct Known {
    table: Table,
    plan: crate::fact::Plan,
}

impl Known {
    fn see(&mut self, seen: &Seen<Namespace>) {
        self.table.see(seen, &self.plan);
    }

    fn names(&self) -> Vec<String> {
        let told = self.table.told().map(|told| about(&told.at(&self.plan, 1, 2))["k8s.namespace.name"].clone());
        let mut names: Vec<String> = told.collect();
        names.sort();
        names
    }
}

#[test]
fn nothing_is_told_before_all_is_known_and_what_is_gone_is_told_no_more() {
    let mut known = Known { table: Table::default(), plan: section(&json!({})).plan() };
    known.see(&Seen::Begin);
    known.see(&Seen::There(namespace("a")));
    assert_eq!(known.names(), [""; 0]);
    known.see(&Seen::There(namespace("b")));
    known.see(&Seen::All);
    assert_eq!(known.names(), ["a", "b"]);
    known.see(&Seen::There(namespace("c")));
    known.see(&Seen::Gone(namespace("a")));
    assert_eq!(known.names(), ["b", "c"]);
    // A list that is broken off changes nothing of what was known.
    known.see(&Seen::Begin);
    known.see(&Seen::There(namespace("d")));
    assert_eq!(known.names(), ["b", "c", "d"]);
    known.see(&Seen::Begin);
    known.see(&Seen::There(namespace("c")));
    known.see(&Seen::All);
    assert_eq!(known.names(), ["c"], "what a list does not have is gone");
}
