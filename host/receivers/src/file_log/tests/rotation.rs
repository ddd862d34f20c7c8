//! Files that are renamed, copied, packed, removed and swapped.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::harness::{Folder, Pipeline, attribute};

const ONE: &str = "{ include: ['app.log'], start_at: beginning, poll_interval: 10ms, force_flush_period: 100ms }";

fn pack(folder: &Folder, from: &str, to: &str) {
    let mut encoder = GzEncoder::new(fs::File::create(folder.path("half.tmp")).unwrap(), Compression::default());
    encoder.write_all(&fs::read(folder.path(from)).unwrap()).unwrap();
    encoder.finish().unwrap();
    folder.rename("half.tmp", to);
    fs::remove_file(folder.path(from)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_a_renamed_file_to_its_end_before_the_one_that_took_its_place() {
    let folder = Folder::new();
    let pipeline = Arc::new(Pipeline::default());
    folder.append("app.log", "1\n");
    let running = folder.start_with(ONE, Arc::clone(&pipeline), None);
    running.bodies(1).await;
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    for round in 0..5 {
        folder.append("app.log", format!("old {round}\n"));
        folder.rename("app.log", &format!("app.log.2026{round:04}"));
        folder.append("app.log", format!("new {round}\n"));
        running.until_followed(round + 2).await;
    }
    pipeline.refuses.store(0, Ordering::SeqCst);
    let bodies = running.bodies(11).await;
    let wanted: Vec<String> = (0..5).flat_map(|n| [format!("old {n}"), format!("new {n}")]).collect();
    assert_eq!(bodies[1..], wanted);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_in_a_file_that_was_renamed_within_the_pattern() {
    let folder = Folder::new();
    folder.append("a.log", "one\n");
    let running = folder.start("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms }");
    running.bodies(1).await;
    folder.rename("a.log", "b.log");
    folder.append("b.log", "two\n");
    assert_eq!(running.bodies(2).await, ["one", "two"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sees_copytruncate_also_when_the_new_content_is_already_longer() {
    let folder = Folder::new();
    folder.append("app.log", "first\nsecond\n");
    let running = folder.start(ONE);
    running.bodies(2).await;
    fs::copy(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    fs::write(folder.path("app.log"), "third, and longer than all that was there\nfourth\n").unwrap();
    let bodies = running.bodies(4).await;
    assert_eq!(bodies, ["first", "second", "third, and longer than all that was there", "fourth"]);
    assert_eq!(running.metrics.total("tidegate_file_log_lost_bytes"), 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_what_was_copied_and_truncated_while_the_pipeline_refused_in_the_copy() {
    let folder = Folder::new();
    let pipeline = Arc::new(Pipeline::default());
    folder.append("app.log", "one\n");
    let config = "{ include: ['app.log*'], start_at: beginning, poll_interval: 10ms }";
    let running = folder.start_with(config, Arc::clone(&pipeline), None);
    running.bodies(1).await;
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    let calls = pipeline.calls.load(Ordering::SeqCst);
    folder.append("app.log", "two\n");
    running.until("a refusal", |pipeline| pipeline.calls.load(Ordering::SeqCst) > calls).await;
    folder.append("app.log", "three\n");
    fs::copy(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    fs::write(folder.path("app.log"), "four\n").unwrap();
    pipeline.refuses.store(0, Ordering::SeqCst);
    assert_eq!(running.bodies(4).await, ["one", "two", "three", "four"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_a_reused_inode_for_a_new_file() {
    let folder = Folder::new();
    folder.append("app.log", "old one\nold two\n");
    let running =
        folder.start("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, max_concurrent_files: 1 }");
    running.bodies(2).await;
    // Whether the file system gives the inode again, or writing in place keeps it: it is another content.
    fs::write(folder.path("app.log"), "new one, new two, new three\n").unwrap();
    assert_eq!(running.bodies(3).await[2], "new one, new two, new three");
    fs::remove_file(folder.path("app.log")).unwrap();
    folder.append("other.log", "other, which is longer than what was there before\n");
    assert_eq!(running.bodies(4).await[3], "other, which is longer than what was there before");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_what_was_packed_while_nobody_ran() {
    let folder = Folder::new();
    let storage = folder.path("storage");
    folder.append("app.log", "one\ntwo\n");
    let running = folder.start_with(ONE, Arc::default(), Some(&storage));
    running.bodies(2).await;
    running.stop().await;
    folder.append("app.log", "three\n");
    pack(&folder, "app.log", "app.log.20261126-213000.gz");
    folder.append("app.log", "four\n");
    let running = folder.restart(ONE, &storage);
    assert_eq!(running.bodies(2).await, ["three", "four"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_a_removed_file_that_is_open_to_its_end() {
    let folder = Folder::new();
    let pipeline = Arc::new(Pipeline::default());
    folder.append("app.log", "one\n");
    let running = folder.start_with(ONE, Arc::clone(&pipeline), None);
    running.bodies(1).await;
    pipeline.refuses.store(5, Ordering::SeqCst);
    folder.append("app.log", "two\n");
    fs::remove_file(folder.path("app.log")).unwrap();
    folder.append("app.log", "three\n");
    assert_eq!(running.bodies(3).await, ["one", "two", "three"]);
    running.until_followed(1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_symlinks_and_swaps_of_folders() {
    let folder = Folder::new();
    folder.append("v1/app.log", "one\n");
    symlink("v1", folder.path("..data")).unwrap();
    symlink("..data/app.log", folder.path("app.log")).unwrap();
    let running = folder.start(ONE);
    running.bodies(1).await;
    folder.append("v1/app.log", "two\n");
    running.bodies(2).await;
    folder.append("v2/app.log", "other\n");
    symlink("v2", folder.path("..new")).unwrap();
    folder.rename("..new", "..data");
    fs::remove_dir_all(folder.path("v1")).unwrap();
    assert_eq!(running.bodies(3).await, ["one", "two", "other"]);
    running.stop().await;
}

const PODS: &str = "{ include: ['pods/*/*/*.log'], start_at: beginning, poll_interval: 10ms, include_file_path: true, \
                    force_flush_period: 300ms, operators: [{ type: container }] }";
const POD: &str = "pods/shop_cart-1_0a-1b/app";

#[tokio::test(flavor = "multi_thread")]
async fn joins_a_part_in_the_old_file_with_its_end_in_the_new_one() {
    let folder = Folder::new();
    let file = format!("{POD}/0.log");
    folder.append(&file, "2026-11-26T21:00:00.5Z stdout P hel\n2026-11-26T21:00:00.6Z stderr F apart\n");
    let running = folder.start(PODS);
    running.bodies(1).await;
    folder.rename(&file, &format!("{file}.20261126-210001"));
    folder.append(&file, "2026-11-26T21:00:01Z stdout F lo\n");
    assert_eq!(running.bodies(2).await, ["apart", "hello"]);
    let (resource, record) = running.pipeline.records().remove(1);
    assert_eq!(attribute(&resource, "k8s.pod.name").as_deref(), Some("cart-1"));
    assert_eq!(attribute(&resource, "k8s.namespace.name").as_deref(), Some("shop"));
    assert_eq!(attribute(&record.attributes, "log.iostream").as_deref(), Some("stdout"));
    assert_eq!(attribute(&record.attributes, "tidegate.log.partial"), None);
    assert_eq!(record.time_unix_nano, 1_795_726_800_500_000_000);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flushes_a_part_whose_end_never_comes_and_marks_it() {
    let folder = Folder::new();
    folder.append(&format!("{POD}/0.log"), "2026-11-26T21:00:00Z stdout P alone\n");
    let running = folder.start(PODS);
    assert_eq!(running.bodies(1).await, ["alone"]);
    let (_, record) = running.pipeline.records().remove(0);
    assert_eq!(attribute(&record.attributes, "tidegate.log.partial").as_deref(), Some("BoolValue(true)"));
    running.stop().await;
}
