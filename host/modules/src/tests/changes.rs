//! What the watch tells, of each head the last of it.

use host_kubernetes::Seen;
use host_kubernetes::objects::{Meta, Object};

use crate::follower::changes::Changes;
use crate::objects::MODULE;

fn head(name: &str, version: &str) -> Object {
    let labels = [(MODULE.to_owned(), format!("module-of-{name}"))].into();
    let metadata =
        Meta { name: name.to_owned(), resource_version: Some(version.to_owned()), labels, ..Meta::default() };
    Object { metadata }
}

/// The names of what has changed, and of what is gone; or those that are all that there is.
fn taken(changes: &Changes) -> (Vec<String>, Result<Vec<String>, Vec<String>>) {
    let (changed, gone) = changes.take();
    let all = |names: std::collections::BTreeSet<String>| names.into_iter().collect::<Vec<_>>();
    (changed.into_keys().collect(), gone.map(all).map_err(all))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_list_that_is_told_again_tells_what_is_another_and_what_is_not_there_any_more() {
    let changes = Changes::default();
    for seen in [Seen::Begin, Seen::There(head("a", "1")), Seen::There(head("b", "2")), Seen::All] {
        changes.tell(seen);
    }
    assert_eq!(taken(&changes), (names(&["a", "b"]), Err(names(&["a", "b"]))));
    assert_eq!(taken(&changes), (names(&[]), Ok(names(&[]))));
    for seen in [Seen::Begin, Seen::There(head("b", "2")), Seen::There(head("c", "3")), Seen::All] {
        changes.tell(seen);
    }
    assert_eq!(taken(&changes), (names(&["c"]), Err(names(&["b", "c"]))));
}

#[test]
fn many_changes_of_one_head_are_one_and_one_that_is_gone_is_none() {
    let changes = Changes::default();
    for version in 0..100 {
        changes.tell(Seen::There(head("a", &version.to_string())));
    }
    changes.tell(Seen::There(head("b", "1")));
    changes.tell(Seen::Gone(head("b", "2")));
    assert_eq!(taken(&changes), (names(&["a"]), Ok(names(&["b"]))));
    changes.tell(Seen::There(head("b", "3")));
    assert_eq!(taken(&changes), (names(&["b"]), Ok(names(&[]))));
}
