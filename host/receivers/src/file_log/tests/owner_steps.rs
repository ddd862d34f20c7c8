//! Which of the followed files something is, where inodes and names go from one to the next: a tailer is stepped by hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::harness::{Folder, Steps, bodies};
use crate::entries::entry::FileId;
use crate::file_log::checkpoint::Known;

const ONE: &str = "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll, compression: auto }";
const ALL: &str = "{ include: ['*.log*'], start_at: beginning, poll_interval: 10ms, watch: poll, compression: auto }";
const LOST: &str = "tidegate_file_log_lost_bytes";

fn packed(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn copy(folder: &Folder, to: &str) {
    fs::write(folder.path(to), fs::read(folder.path("app.log")).unwrap()).unwrap();
}

fn cut(folder: &Folder) {
    fs::write(folder.path("app.log"), "").unwrap();
}

/// All that comes within some looks.
fn delivered(steps: &mut Steps) -> Vec<String> {
    (0..5).flat_map(|_| steps.delivered_after(500)).collect()
}

/// What is known when these were delivered.
fn known(folder: &Folder, config: &str, lines: &[&str]) -> BTreeMap<FileId, Known> {
    let mut steps = folder.steps(config);
    assert_eq!(delivered(&mut steps), lines);
    steps.tailer.handed_over()
}

fn resumed(folder: &Folder, config: &str, known: BTreeMap<FileId, Known>) -> Steps {
    let mut steps = folder.steps(config);
    steps.tailer.resume(None, known);
    steps
}

/// Takes a file away, as if it was removed; its inode is given to the next one by `give`.
fn remove(folder: &Folder, name: &str) {
    fs::create_dir_all(folder.path("spare")).unwrap();
    folder.rename(name, "spare/inode");
}

fn give(folder: &Folder, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path("spare/inode"), content).unwrap();
    folder.rename("spare/inode", name);
}

#[test]
fn takes_no_file_for_one_that_had_its_inode_before_that_was_packed() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let known = known(&folder, ONE, &["one"]);
    folder.append("app.log.1.gz", packed("one\ntwo\n"));
    remove(&folder, "app.log");
    let mut steps = resumed(&folder, ONE, known);
    assert_eq!(steps.delivered_after(0), ["two"]);
    give(&folder, "b.log", "three\n");
    assert_eq!(delivered(&mut steps), ["three"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn knows_a_file_after_a_restart_though_another_had_its_inode_before() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    folder.append("z.log", "of another\n");
    let mut known = known(&folder, ALL, &["one", "of another"]);
    fs::remove_file(folder.path("z.log")).unwrap();
    let inode = known.values().map(|known| known.inode).next().unwrap();
    known.values_mut().for_each(|known| known.inode = inode);
    folder.rename("app.log", "app.log.1");
    folder.append("app.log", "two\n");
    assert_eq!(delivered(&mut resumed(&folder, ALL, known)), ["two"]);
}

#[test]
fn knows_a_copy_that_is_empty_yet_where_one_was_under_its_name_before() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one"]);
    copy(&folder, "app.log.1");
    cut(&folder);
    folder.append("app.log", "two\n");
    assert_eq!(delivered(&mut steps), ["two"]);
    folder.rename("app.log.1", "app.log.2");
    folder.append("app.log.1", "");
    assert!(steps.delivered_after(500).is_empty());
    copy(&folder, "app.log.1");
    cut(&folder);
    assert!(delivered(&mut steps).is_empty());
}

#[test]
fn reads_once_what_was_copied_before_anything_of_it_was_read() {
    let folder = Folder::new();
    let mut steps = folder.steps(ALL);
    let taken = steps.budget.reserve(steps.budget.limit());
    folder.append("app.log", "one\n");
    assert!(steps.after(500).is_empty());
    copy(&folder, "app.log.1");
    assert!(steps.after(500).is_empty());
    drop(taken);
    let mut bodies = steps.delivered_after(500);
    cut(&folder);
    bodies.extend(delivered(&mut steps));
    assert_eq!(bodies, ["one"]);
}

#[test]
fn knows_a_copy_that_has_less_yet_than_its_original_is_known_by() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    let first = steps.after(0);
    folder.append("app.log", "two\nthree\n");
    assert!(steps.after(500).is_empty());
    folder.append("app.log.1", "one\ntwo\n");
    assert!(steps.after(500).is_empty());
    folder.append("app.log.1", "three\n");
    cut(&folder);
    assert!(steps.after(500).is_empty());
    steps.tailer.done(&first[0], true);
    assert_eq!(delivered(&mut steps), ["two", "three"]);
}

#[test]
fn knows_a_copy_of_what_was_written_anew_since_it_was_looked_at() {
    let folder = Folder::new();
    folder.append("app.log", "one, and more of it\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one, and more of it"]);
    copy(&folder, "app.log.a");
    assert!(steps.delivered_after(500).is_empty());
    cut(&folder);
    folder.append("app.log", "two\n");
    copy(&folder, "app.log.b");
    let mut bodies = steps.delivered_after(500);
    cut(&folder);
    bodies.extend(delivered(&mut steps));
    assert_eq!(bodies, ["two"]);
}

#[test]
fn goes_on_in_a_copy_that_was_moved_where_another_has_its_name() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ALL);
    let first = steps.after(0);
    assert_eq!(bodies(&first[0]), ["one"]);
    copy(&folder, "app.log.1");
    assert!(steps.after(500).is_empty());
    cut(&folder);
    folder.rename("app.log.1", "app.log.2");
    folder.append("app.log.1", "");
    assert!(steps.after(500).is_empty());
    steps.tailer.done(&first[0], true);
    assert!(delivered(&mut steps).is_empty());
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn reads_what_was_given_the_inode_of_an_empty_file_that_was_moved_away() {
    let folder = Folder::new();
    folder.append("app.log", "");
    let mut steps = folder.steps(ONE);
    assert!(delivered(&mut steps).is_empty());
    folder.rename("app.log", "app.log.1");
    assert!(steps.delivered_after(500).is_empty());
    let known = steps.tailer.handed_over();
    drop(steps);
    remove(&folder, "app.log.1");
    folder.append("app.log.1", "of another\n");
    give(&folder, "app.log", "one\n");
    assert_eq!(delivered(&mut resumed(&folder, ONE, known)), ["one"]);
}

#[test]
fn takes_nothing_that_is_being_packed_for_an_empty_file_that_had_its_inode() {
    let folder = Folder::new();
    folder.append("app.log", "");
    let known = known(&folder, ONE, &[]);
    remove(&folder, "app.log");
    let mut half = packed("one\n");
    half.truncate(12);
    give(&folder, "app.log.1.tmp", half);
    folder.append("app.log", "two\n");
    assert_eq!(delivered(&mut resumed(&folder, ONE, known)), ["two"]);
}

#[test]
fn reads_what_was_packed_with_the_name_and_inode_of_another() {
    let folder = Folder::new();
    folder.append("app.log.1.gz", packed("one\n"));
    let known = known(&folder, ALL, &["one"]);
    fs::write(folder.path("app.log.1.gz"), packed("two, and more than before\n")).unwrap();
    assert_eq!(delivered(&mut resumed(&folder, ALL, known)), ["two, and more than before"]);
}

#[test]
fn finds_what_was_packed_where_another_has_its_name_and_inode() {
    let folder = Folder::new();
    folder.append("app.log.1", "one\n");
    let known = known(&folder, ALL, &["one"]);
    folder.append("app.log.2.gz", packed("one\n"));
    remove(&folder, "app.log.1");
    give(&folder, "app.log.1", "two\n");
    let mut steps = resumed(&folder, ALL, known);
    assert_eq!(delivered(&mut steps), ["two"]);
    assert_eq!(steps.metrics.total(LOST), 0);
}

#[test]
fn tells_files_apart_whose_names_and_inodes_were_exchanged_while_nobody_ran() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    folder.append("app.log.1", "of before\n");
    let known = known(&folder, ALL, &["one", "of before"]);
    // As if both had been removed when they had been copied to others.
    fs::write(folder.path("app.log.1"), "one\n").unwrap();
    fs::write(folder.path("app.log"), "two\n").unwrap();
    assert_eq!(delivered(&mut resumed(&folder, ALL, known)), ["two"]);
}

#[test]
fn knows_what_was_written_anew_while_it_waits_for_what_was_before_it() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let mut steps = folder.steps(ONE);
    assert_eq!(steps.after(0).len(), 1);
    copy(&folder, "app.log.1");
    cut(&folder);
    folder.append("app.log", "two, and more than there was\n");
    assert!(steps.after(500).is_empty());
    let known = steps.tailer.handed_over();
    drop(steps);
    folder.rename("app.log.1", "app.log.2");
    copy(&folder, "app.log.1");
    cut(&folder);
    folder.append("app.log", "three\n");
    let mut steps = resumed(&folder, ONE, known);
    let first = steps.after(0);
    assert!(steps.after(500).is_empty());
    folder.rename("app.log.2", "app.log.3");
    folder.rename("app.log.1", "app.log.2");
    copy(&folder, "app.log.1");
    cut(&folder);
    folder.append("app.log", "four\n");
    assert!(steps.after(500).is_empty());
    steps.tailer.done(&first[0], true);
    let mut all = bodies(&first[0]);
    all.extend(delivered(&mut steps));
    assert_eq!(all, ["one", "two, and more than there was", "three", "four"]);
}

#[test]
fn reads_once_what_was_empty_when_it_was_looked_at_and_is_packed_since() {
    let folder = Folder::new();
    folder.append("app.log", "");
    let mut steps = folder.steps(ALL);
    assert!(delivered(&mut steps).is_empty());
    folder.append("app.log", "one\n");
    folder.append("app.log.1.gz", packed("one\n"));
    fs::remove_file(folder.path("app.log")).unwrap();
    assert_eq!(delivered(&mut steps), ["one"]);
    assert!((0..5).all(|_| steps.delivered_after(2_000).is_empty()));
}
