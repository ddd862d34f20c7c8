//! What is remembered over a restart.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::harness::{Folder, Pipeline};
use crate::file_log::checkpoint;

const ONE: &str = "{ include: ['app.log'], start_at: beginning, poll_interval: 10ms }";

fn journal(storage: &Path) -> std::path::PathBuf {
    fs::read_dir(storage).unwrap().next().unwrap().unwrap().path().join("checkpoint")
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_it_was() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    folder.append("app.log", "one\n");
    let running = folder.start_with(ONE, Arc::default(), Some(&storage));
    running.bodies(1).await;
    running.stop().await;
    folder.append("app.log", "two\n");
    let running = folder.restart(ONE, &storage);
    assert_eq!(running.bodies(1).await, ["two"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_again_what_nobody_had_acknowledged_when_it_was_killed() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    folder.append("app.log", "one\ntwo\n");
    let running = folder.start_with(ONE, Arc::clone(&pipeline), Some(&storage));
    running.until("a refusal", |pipeline| pipeline.calls.load(Ordering::SeqCst) > 0).await;
    running.kill().await;
    let running = folder.restart(ONE, &storage);
    assert_eq!(running.bodies(2).await, ["one", "two"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_what_a_damaged_checkpoint_still_says() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    folder.append("app.log", "one\n");
    let running = folder.start_with(ONE, Arc::default(), Some(&storage));
    running.bodies(1).await;
    running.stop().await;
    let mut content = fs::read(journal(&storage)).unwrap();
    assert!(checkpoint::read(&content).1);
    content.extend(b"half a record");
    fs::write(journal(&storage), &content).unwrap();
    assert!(!checkpoint::read(&content).1);
    folder.append("app.log", "two\n");
    let running = folder.restart(ONE, &storage);
    assert_eq!(running.bodies(1).await, ["two"]);
    assert!(checkpoint::read(&fs::read(journal(&storage)).unwrap()).1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_what_was_removed_while_nobody_ran() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    let pipeline = Arc::new(Pipeline::default());
    folder.append("app.log", "one\n");
    let running = folder.start_with(ONE, Arc::clone(&pipeline), Some(&storage));
    running.bodies(1).await;
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    let calls = pipeline.calls.load(Ordering::SeqCst);
    folder.append("app.log", "unread\n");
    running.until("a refusal", |pipeline| pipeline.calls.load(Ordering::SeqCst) > calls).await;
    running.stop().await;
    fs::remove_file(folder.path("app.log")).unwrap();
    let running = folder.restart(ONE, &storage);
    running.metric("tidegate_file_log_lost_bytes", 7).await;
    running.until_followed(0).await;
    running.stop().await;
    assert!(checkpoint::read(&fs::read(journal(&storage)).unwrap()).0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_what_was_truncated_while_nobody_ran() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    folder.append("app.log", "never read\n");
    let running = folder.start_with(ONE, Arc::clone(&pipeline), Some(&storage));
    running.until("a refusal", |pipeline| pipeline.calls.load(Ordering::SeqCst) > 0).await;
    running.stop().await;
    fs::write(folder.path("app.log"), "other\n").unwrap();
    let running = folder.restart(ONE, &storage);
    assert_eq!(running.bodies(1).await, ["other"]);
    running.metric("tidegate_file_log_lost_bytes", 11).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remembers_files_whose_names_are_not_utf_8() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    let config = "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms }";
    let odd = folder.path("a").with_file_name(OsStr::from_bytes(b"odd-\xff.log"));
    fs::write(&odd, "one\n").unwrap();
    folder.append("even.log", "two\n");
    let running = folder.start_with(config, Arc::default(), Some(&storage));
    running.bodies(2).await;
    running.stop().await;
    fs::write(&odd, "one\nthree\n").unwrap();
    folder.append("even.log", "four\n");
    let known = checkpoint::read(&fs::read(journal(&storage)).unwrap()).0;
    let offsets: Vec<u64> = known.values().map(|known| known.offset).collect();
    assert_eq!(offsets, [4, 4]);
    let running = folder.restart(config, &storage);
    let mut bodies = running.bodies(2).await;
    bodies.sort();
    assert_eq!(bodies, ["four", "three"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_whose_names_are_nearly_the_same_have_checkpoints_of_their_own() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    folder.append("app.log", "one\n");
    for which in ["a-b", "a_b", "a.b"] {
        let running = folder.start_as(which, ONE, Arc::default(), Some(&storage));
        assert_eq!(running.bodies(1).await, ["one"]);
        running.stop().await;
    }
    assert_eq!(fs::read_dir(&storage).unwrap().count(), 3);
}
