//! Files that are copied before they are cut, with the copies among those that are followed.

use std::fs;

use super::harness::{Folder, Steps};

const ALL: &str = "{ include: ['app.log*'], start_at: beginning, poll_interval: 10ms, watch: poll }";

fn read(folder: &Folder) -> Steps {
    folder.append("app.log", "one\ntwo\nthree\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one", "two", "three"]);
    steps
}

fn copy(folder: &Folder) {
    fs::copy(folder.path("app.log"), folder.path("app.log.1")).unwrap();
}

#[test]
fn remembers_no_copy_as_a_file_to_read() {
    let folder = Folder::new();
    let mut steps = read(&folder);
    copy(&folder);
    assert!(steps.delivered_after(500).is_empty());
    assert_eq!(steps.offsets(), [14]);
    let known = steps.tailer.handed_over();
    drop(steps);
    folder.append("app.log.1", "never read\n");
    fs::write(folder.path("app.log"), "four\n").unwrap();
    let mut steps = folder.steps(ALL);
    steps.tailer.resume(None, known);
    assert_eq!(steps.delivered_after(500), ["never read", "four"]);
}

#[test]
fn reads_on_in_the_copy_when_what_it_was_made_of_is_gone() {
    let folder = Folder::new();
    let mut steps = read(&folder);
    copy(&folder);
    assert!(steps.delivered_after(500).is_empty());
    fs::remove_file(folder.path("app.log")).unwrap();
    for _ in 0..3 {
        assert!(steps.delivered_after(5_000).is_empty());
    }
    folder.append("app.log.1", "four\n");
    assert_eq!(steps.delivered_after(500), ["four"]);
    assert_eq!(steps.offsets(), [19]);
    assert_eq!(steps.metrics.total("tidegate_file_log_lost_bytes"), 0);
}

#[test]
fn knows_a_copy_that_is_still_being_written() {
    for first in ["", "on", "one\ntwo\n"] {
        let folder = Folder::new();
        let mut steps = read(&folder);
        folder.append("app.log.1", first);
        assert!(steps.delivered_after(500).is_empty(), "{first:?}");
        folder.append("app.log.1", &"one\ntwo\nthree\n"[first.len()..]);
        assert!(steps.delivered_after(500).is_empty(), "{first:?}");
        assert!(steps.delivered_after(5_000).is_empty(), "{first:?}");
        fs::write(folder.path("app.log"), "four\n").unwrap();
        let mut bodies = steps.delivered_after(500);
        bodies.extend(steps.delivered_after(500));
        assert_eq!(bodies, ["four"], "{first:?}");
    }
}

#[test]
fn reads_what_only_begins_as_a_copy_does() {
    for more in ["", "four\n", "other, and longer than the one that was read\n"] {
        let folder = Folder::new();
        let mut steps = read(&folder);
        folder.append("app.log.err", "one\n");
        assert!(steps.delivered_after(500).is_empty());
        folder.append("app.log.err", more);
        let mut bodies = steps.delivered_after(500);
        bodies.extend(steps.delivered_after(5_000));
        bodies.extend(steps.delivered_after(500));
        assert_eq!(bodies.join("\n"), format!("one\n{more}").trim());
    }
}

#[test]
fn reads_nothing_twice_of_a_copy_that_is_shorter_than_what_was_read() {
    let folder = Folder::new();
    let mut steps = read(&folder);
    copy(&folder);
    assert!(steps.delivered_after(500).is_empty());
    folder.append("app.log", "four\n");
    assert_eq!(steps.delivered_after(500), ["four"]);
    fs::write(folder.path("app.log"), "five\n").unwrap();
    let mut bodies = steps.delivered_after(500);
    bodies.extend(steps.delivered_after(500));
    assert_eq!(bodies, ["five"]);
}
