//! What a tailer does, step by step.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::harness::{Folder, bodies};

const KEPT: &str = "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll, operators: [{ type: recombine, \
                    combine_field: body, is_last_entry: 'body matches \"[.]$\"', force_flush_period: 1s, max_sources: 1 }] }";

#[test]
fn goes_not_on_in_a_file_before_what_was_kept_of_it_is_delivered() {
    let folder = Folder::new();
    folder.append("a.log", "one\n");
    let mut steps = folder.steps(KEPT);
    assert!(steps.after(0).is_empty());
    let kept = steps.after(2_000);
    assert_eq!(bodies(&kept[0]), ["one"]);
    folder.append("a.log", "two.\n");
    assert!(steps.delivered_after(1_000).is_empty());
    assert_eq!(steps.offsets(), [0]);
    steps.tailer.done(&kept[0], true);
    assert_eq!(steps.offsets(), [4]);
    assert_eq!(steps.delivered_after(1_000), ["two."]);
    assert_eq!(steps.offsets(), [9]);
}

#[test]
fn counts_what_was_kept_as_delivered_when_all_before_it_was() {
    for is_first_last in [false, true] {
        let folder = Folder::new();
        folder.append("a.log", "one.\ntwo\n");
        let mut steps = folder.steps(KEPT);
        let first = steps.after(0);
        assert_eq!(bodies(&first[0]), ["one."]);
        folder.append("b.log", "other\n");
        // There is room for what is kept of one file: this one takes it.
        let second = steps.after(100);
        assert_eq!(bodies(&second[0]), ["two"]);
        folder.append("a.log", "three.\n");
        assert!(steps.delivered_after(100).is_empty());
        let (before, behind) = if is_first_last { (&second, &first) } else { (&first, &second) };
        steps.tailer.done(&before[0], true);
        assert_eq!(steps.offsets()[0], if is_first_last { 0 } else { 5 });
        steps.tailer.done(&behind[0], true);
        assert_eq!(steps.offsets()[0], 9);
        // It is read on, and takes the place of what is kept.
        assert_eq!(steps.delivered_after(100), ["other"]);
    }
}

#[test]
fn a_file_that_cannot_be_opened_takes_the_place_of_none_that_can() {
    let folder = Folder::new();
    for name in ["a.log", "b.log", "c.log", "d.log"] {
        folder.append(name, format!("{name}\n"));
    }
    let mut steps = folder
        .steps("{ include: ['*.log'], start_at: beginning, poll_interval: 1h, watch: poll, max_concurrent_files: 2 }");
    // While there is no room they are found, and as many are opened as may be.
    let taken = steps.budget.reserve(steps.budget.limit());
    assert!(steps.after(0).is_empty());
    drop(taken);
    for name in ["b.log", "c.log"] {
        std::fs::remove_file(folder.path(name)).unwrap();
    }
    assert_eq!(steps.delivered_after(1_000), ["a.log", "b.log", "d.log"]);
    assert_eq!(steps.gauge("otelcol_fileconsumer_open_files"), Some(2));
}

const ROTATED: &str = "{ include: ['app.log', 'app.log.?'], start_at: beginning, poll_interval: 10ms, watch: poll, \
                       force_flush_period: 0s }";

#[test]
fn goes_on_where_the_last_line_of_a_rotated_file_has_no_end() {
    let folder = Folder::new();
    folder.append("app.log", "one\nhalf");
    let mut steps = folder.steps(ROTATED);
    assert_eq!(steps.delivered_after(0), ["one"]);
    folder.rename("app.log", "app.log.1");
    folder.append("app.log", "two\n");
    assert!(steps.delivered_after(500).is_empty());
    // It may come yet.
    assert!(steps.delivered_after(500).is_empty());
    assert_eq!(steps.delivered_after(5_000), ["two"]);
    folder.append("app.log", "three\n");
    folder.append("app.log.1", " more\n");
    let mut bodies = steps.delivered_after(500);
    bodies.sort();
    assert_eq!(bodies, ["half more", "three"]);
}

#[test]
fn goes_on_where_a_rotated_file_cannot_be_read() {
    let folder = Folder::new();
    folder.append("app.log", "one, and long enough to be known by\n");
    let mut steps = folder.steps(ROTATED);
    assert_eq!(steps.delivered_after(0).len(), 1);
    let known = steps.tailer.handed_over();
    drop(steps);
    folder.append("app.log", "two\n");
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&fs::read(folder.path("app.log")).unwrap()).unwrap();
    let mut packed = packed.finish().unwrap();
    packed.extend(b"what is behind it is damaged");
    fs::write(folder.path("app.log.1.gz"), packed).unwrap();
    fs::remove_file(folder.path("app.log")).unwrap();
    folder.append("app.log", "three\n");
    let mut steps = folder.steps(ROTATED);
    steps.tailer.resume(None, known);
    for _ in 0..3 {
        assert!(steps.delivered_after(500).is_empty());
    }
    assert!(steps.metrics.total("tidegate_file_log_read_errors") > 0);
    assert_eq!(steps.delivered_after(5_000), ["three"]);
}

#[test]
fn what_was_read_and_delivered_is_not_looked_at_again_until_it_changes() {
    let folder = Folder::new();
    folder.append("a.log", "one\n");
    let mut steps = folder.steps("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll }");
    assert_eq!(steps.delivered_after(0), ["one"]);
    assert!(steps.after(1_000).is_empty());
    assert!(!steps.tailer.is_waiting());
    folder.append("a.log", "two\n");
    assert_eq!(steps.delivered_after(1_000), ["two"]);
}
