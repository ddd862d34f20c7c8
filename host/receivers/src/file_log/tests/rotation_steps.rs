//! Files that are rotated at moments that matter: a tailer is stepped by hand between them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::harness::{Folder, Steps};

const ONE: &str = "{ include: ['app.log'], start_at: beginning, poll_interval: 10ms, watch: poll }";
const ALL: &str = "{ include: ['app.log*'], start_at: beginning, poll_interval: 10ms, watch: poll, compression: auto }";
const LOST: &str = "tidegate_file_log_lost_bytes";

fn copy_and_cut(folder: &Folder, to: &str) {
    fs::copy(folder.path("app.log"), folder.path(to)).unwrap();
    fs::write(folder.path("app.log"), "").unwrap();
}

fn packed(folder: &Folder, name: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&fs::read(folder.path(name)).unwrap()).unwrap();
    encoder.finish().unwrap()
}

/// All that comes within some looks.
fn delivered(steps: &mut Steps) -> Vec<String> {
    (0..4).flat_map(|_| steps.delivered_after(500)).collect()
}

#[test]
fn reads_what_is_written_to_a_renamed_file_for_as_long_as_somebody_does() {
    for config in [ONE, ALL] {
        let folder = Folder::new();
        folder.append("app.log", "one\n");
        let mut steps = folder.steps(config);
        assert_eq!(steps.delivered_after(0), ["one"]);
        folder.rename("app.log", "app.log.1");
        assert!(steps.delivered_after(500).is_empty());
        for line in ["two", "three", "four"] {
            folder.append("app.log.1", format!("{line}\n"));
            assert_eq!(steps.delivered_after(1_900), [line]);
        }
        assert!(steps.delivered_after(1_900).is_empty());
        folder.append("app.log.1", "in the last moment\n");
        assert_eq!(delivered(&mut steps), ["in the last moment"]);
    }
}

#[test]
fn reads_a_moved_file_before_the_one_that_comes_under_its_name_later() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    let first = steps.after(0);
    folder.append("app.log", "two\n");
    folder.rename("app.log", "app.log.1");
    assert!(steps.delivered_after(500).is_empty());
    folder.append("app.log", "three\n");
    assert!(steps.delivered_after(500).is_empty());
    steps.tailer.done(&first[0], true);
    assert_eq!(delivered(&mut steps), ["two", "three"]);
}

#[test]
fn knows_after_a_restart_which_file_came_before_which() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one"]);
    folder.append("app.log", "two\n");
    folder.rename("app.log", "app.log.1");
    folder.append("app.log", "three\n");
    assert_eq!(steps.after(500).len(), 1);
    let known = steps.tailer.handed_over();
    let mut steps = folder.steps(ALL);
    steps.tailer.resume(None, known);
    assert_eq!(delivered(&mut steps), ["two", "three"]);
}

#[test]
fn reads_all_that_was_copied_and_cut_twice_while_nothing_was_delivered() {
    for config in [ONE, ALL] {
        let folder = Folder::new();
        folder.append("app.log", "one\n");
        let mut steps = folder.steps(config);
        let first = steps.after(0);
        folder.append("app.log", "two\n");
        copy_and_cut(&folder, "app.log.1");
        assert!(steps.delivered_after(500).is_empty());
        folder.append("app.log", "three\n");
        assert_eq!(steps.delivered_after(500), Vec::<String>::new());
        folder.rename("app.log.1", "app.log.2");
        copy_and_cut(&folder, "app.log.1");
        folder.append("app.log", "four\n");
        assert!(steps.delivered_after(500).is_empty());
        steps.tailer.done(&first[0], true);
        assert_eq!(delivered(&mut steps), ["two", "three", "four"], "{config}");
        assert_eq!(steps.metrics.total(LOST), 0);
    }
}

#[test]
fn counts_what_was_cut_without_a_copy_while_nothing_was_delivered() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ONE);
    let first = steps.after(0);
    folder.append("app.log", "lost\n");
    assert!(steps.delivered_after(500).is_empty());
    fs::write(folder.path("app.log"), "").unwrap();
    assert!(steps.delivered_after(500).is_empty());
    assert_eq!(steps.metrics.total(LOST), 5);
    folder.append("app.log", "three\n");
    assert!(steps.delivered_after(500).is_empty());
    steps.tailer.done(&first[0], true);
    assert_eq!(delivered(&mut steps), ["three"]);
    assert!(delivered(&mut steps).is_empty());
    assert!(delivered(&mut steps).is_empty());
    assert_eq!(steps.offsets(), [6]);
    assert_eq!(steps.metrics.total(LOST), 5);
}

#[test]
fn reads_what_was_copied_and_cut_while_nobody_ran_and_nothing_of_it_was_delivered() {
    for config in [ONE, ALL] {
        let folder = Folder::new();
        folder.append("app.log", "one\n");
        let mut steps = folder.steps(config);
        assert_eq!(steps.after(0).len(), 1);
        let known = steps.tailer.handed_over();
        copy_and_cut(&folder, "app.log.1");
        folder.append("app.log", "two, and longer than before\n");
        let mut steps = folder.steps(config);
        steps.tailer.resume(None, known);
        assert_eq!(delivered(&mut steps), ["one", "two, and longer than before"], "{config}");
        assert_eq!(steps.metrics.total(LOST), 0);
    }
}

#[test]
fn reads_nothing_twice_of_what_is_packed_beside_itself() {
    for cut in [0, 5, 12] {
        let folder = Folder::new();
        folder.append("app.log", "one\ntwo\n");
        let mut steps = folder.steps(ALL);
        assert_eq!(steps.delivered_after(0), ["one", "two"]);
        folder.rename("app.log", "app.log.1");
        folder.append("app.log.1", "three\n");
        let packed = packed(&folder, "app.log.1");
        folder.append("app.log.1.gz", &packed[..cut]);
        assert_eq!(delivered(&mut steps), ["three"], "{cut}");
        folder.append("app.log.1.gz", &packed[cut..]);
        assert!(delivered(&mut steps).is_empty(), "{cut}");
        fs::remove_file(folder.path("app.log.1")).unwrap();
        folder.append("app.log", "four\n");
        let mut bodies = delivered(&mut steps);
        bodies.extend(delivered(&mut steps));
        assert_eq!(bodies, ["four"], "{cut}");
        folder.rename("app.log.1.gz", "app.log.2.gz");
        assert!(delivered(&mut steps).is_empty(), "{cut}");
    }
}

#[test]
fn reads_nothing_twice_of_what_was_packed_between_two_looks() {
    let folder = Folder::new();
    folder.append("app.log", "one\ntwo\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one", "two"]);
    folder.append("app.log", "three\n");
    folder.rename("app.log", "app.log.1");
    let packed = packed(&folder, "app.log.1");
    folder.append("app.log.1.gz", packed);
    fs::remove_file(folder.path("app.log.1")).unwrap();
    let mut bodies = delivered(&mut steps);
    bodies.extend(delivered(&mut steps));
    assert_eq!(bodies, ["three"]);
    let known = steps.tailer.handed_over();
    let mut steps = folder.steps(ALL);
    steps.tailer.resume(None, known);
    assert!(delivered(&mut steps).is_empty());
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn finds_after_a_restart_what_a_link_led_to_before() {
    let folder = Folder::new();
    folder.append("v1/app.log", "one\n");
    symlink("v1", folder.path("..data")).unwrap();
    symlink("..data/app.log", folder.path("app.log")).unwrap();
    let mut steps = folder.steps(ONE);
    assert_eq!(steps.delivered_after(0), ["one"]);
    let known = steps.tailer.handed_over();
    folder.append("v1/app.log", "two\n");
    folder.append("v2/app.log", "three\n");
    symlink("v2", folder.path("..new")).unwrap();
    folder.rename("..new", "..data");
    let mut steps = folder.steps(ONE);
    steps.tailer.resume(None, known);
    assert_eq!(delivered(&mut steps), ["two", "three"]);
}

#[test]
fn has_what_is_removed_while_there_is_no_room_for_it() {
    let folder = Folder::new();
    let mut steps = folder.steps(ONE);
    let taken = steps.budget.reserve(steps.budget.limit());
    for line in ["one\n", "two\n", "three\n"] {
        folder.append("app.log", line);
        assert!(steps.after(500).is_empty());
        fs::remove_file(folder.path("app.log")).unwrap();
        assert!(steps.after(500).is_empty());
    }
    drop(taken);
    assert_eq!(delivered(&mut steps), ["one", "two", "three"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn takes_what_was_given_the_inode_of_a_packed_file_for_what_it_is() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.after(0).len(), 1);
    let known = steps.tailer.handed_over();
    drop(steps);
    let packed = packed(&folder, "app.log");
    folder.append("app.log.1.gz", packed);
    // A name of its own for the inode, as if it had been given again.
    folder.rename("app.log", "app.log.other");
    fs::write(folder.path("app.log.other"), "two\n").unwrap();
    folder.append("app.log", "three\n");
    let mut steps = folder.steps(ALL);
    steps.tailer.resume(None, known);
    let mut bodies = delivered(&mut steps);
    bodies.sort();
    assert_eq!(bodies, ["one", "three", "two"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn reads_what_was_given_the_inode_of_a_file_once_though_that_one_is_not_delivered_yet() {
    let folder = Folder::new();
    folder.append("a.log", "of another\n");
    folder.append("b.log", "one\n");
    // The second is not kept open.
    let mut steps = folder.steps(
        "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll, max_concurrent_files: 1 }",
    );
    let first = steps.after(0);
    // As if it had been removed, and another one been given its inode.
    folder.rename("b.log", "c.log");
    fs::write(folder.path("c.log"), "two\n").unwrap();
    let mut bodies: Vec<String> = (0..4).flat_map(|_| steps.delivered_after(500)).collect();
    first.iter().for_each(|batch| steps.tailer.done(batch, true));
    bodies.extend((0..4).flat_map(|_| steps.delivered_after(1_000)));
    assert_eq!(bodies, ["two"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn knows_a_copy_that_was_given_the_inode_of_a_file_that_is_not_delivered_yet() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    folder.append("z.log", "of another\n");
    // The second is not kept open.
    let mut steps = folder.steps(
        "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll, max_concurrent_files: 1 }",
    );
    let first = steps.after(0);
    // As if the other one had been removed, and the copy been given its inode.
    folder.append("app.log", "two\n");
    folder.rename("z.log", "app.log.1");
    fs::write(folder.path("app.log.1"), fs::read(folder.path("app.log")).unwrap()).unwrap();
    fs::write(folder.path("app.log"), "three, which is more than there was\n").unwrap();
    let mut bodies: Vec<String> = (0..4).flat_map(|_| steps.delivered_after(500)).collect();
    first.iter().for_each(|batch| steps.tailer.done(batch, true));
    bodies.extend((0..4).flat_map(|_| steps.delivered_after(1_000)));
    assert_eq!(bodies, ["two", "three, which is more than there was"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn finds_what_was_packed_and_got_another_number_while_nobody_ran() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ONE);
    assert_eq!(steps.delivered_after(0), ["one"]);
    folder.rename("app.log", "app.log.1");
    assert!(steps.delivered_after(500).is_empty());
    let known = steps.tailer.handed_over();
    drop(steps);
    folder.append("app.log.1", "two\n");
    let packed = packed(&folder, "app.log.1");
    folder.append("app.log.2.gz", packed);
    fs::remove_file(folder.path("app.log.1")).unwrap();
    folder.append("app.log", "three\n");
    let mut steps = folder.steps(ONE);
    steps.tailer.resume(None, known);
    assert_eq!(delivered(&mut steps), ["two", "three"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}
