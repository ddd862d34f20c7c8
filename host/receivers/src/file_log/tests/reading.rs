//! Which files are read, from where, and how far.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::harness::{Folder, Pipeline, attribute};

const ALL: &str = "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, force_flush_period: 50ms }";

#[tokio::test(flavor = "multi_thread")]
async fn reads_what_is_there_and_what_comes() {
    let folder = Folder::new();
    folder.append("a.log", "one\ntwo\n");
    let running = folder.start(ALL);
    assert_eq!(running.bodies(2).await, ["one", "two"]);
    folder.append("a.log", "three\n");
    folder.append("b.log", "four\n");
    let mut bodies = running.bodies(4).await;
    bodies.sort();
    assert_eq!(bodies, ["four", "one", "three", "two"]);
    let (_, record) = running.pipeline.records().remove(0);
    assert_eq!(attribute(&record.attributes, "log.file.name").as_deref(), Some("a.log"));
    assert!(record.observed_time_unix_nano > 0 && record.time_unix_nano == 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_by_polling_alone() {
    let folder = Folder::new();
    folder.append("a.log", "one\n");
    let running = folder.start("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, watch: poll }");
    assert_eq!(running.bodies(1).await, ["one"]);
    folder.append("a.log", "two\n");
    assert_eq!(running.bodies(2).await, ["one", "two"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn begins_at_the_end_of_what_is_there_and_at_the_beginning_of_what_comes() {
    let folder = Folder::new();
    folder.append("old.log", "old\n");
    let running = folder.start("{ include: ['*.log'], poll_interval: 10ms }");
    running.until_followed(1).await;
    folder.append("old.log", "new\n");
    folder.append("other.log", "whole\n");
    let mut bodies = running.bodies(2).await;
    bodies.sort();
    assert_eq!(bodies, ["new", "whole"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_over_what_is_excluded() {
    let folder = Folder::new();
    folder.append("pods/a/0.log", "in\n");
    folder.append("pods/own/0.log", "out\n");
    let running = folder
        .start("{ include: ['pods/*/*.log'], exclude: ['pods/own/*'], start_at: beginning, poll_interval: 10ms }");
    assert_eq!(running.bodies(1).await, ["in"]);
    folder.append("pods/a/0.log", "more\n");
    assert_eq!(running.bodies(2).await, ["in", "more"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_a_hundred_files_with_one_identical_first_kib_apart() {
    let folder = Folder::new();
    let head = format!("{}\n", "x".repeat(1_023));
    for at in 0..100 {
        folder.append(&format!("{at}.log"), &head);
    }
    let running = folder.start(ALL);
    running.bodies(100).await;
    for at in 0..100 {
        folder.append(&format!("{at}.log"), format!("own {at}\n"));
    }
    let mut bodies = running.bodies(200).await;
    bodies.retain(|body| body.starts_with("own"));
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 100);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_and_repeats_nothing_when_the_pipeline_refuses() {
    let folder = Folder::new();
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(20, Ordering::SeqCst);
    let lines: Vec<String> = (0..5_000).map(|n| format!("line {n}")).collect();
    folder.append("a.log", lines.join("\n") + "\n");
    let running = folder.start_with(ALL, Arc::clone(&pipeline), None);
    assert_eq!(running.bodies(5_000).await, lines);
    assert_eq!(running.metrics.total("otelcol_receiver_accepted_log_records"), 5_000);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_no_more_files_than_it_may() {
    let folder = Folder::new();
    for at in 0..50 {
        folder.append(&format!("{at}.log"), "line\n");
    }
    let running =
        folder.start("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, max_concurrent_files: 5 }");
    running.bodies(50).await;
    for at in 0..50 {
        folder.append(&format!("{at}.log"), "more\n");
    }
    running.bodies(100).await;
    running.until_open(5).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flushes_a_last_line_without_an_end() {
    let folder = Folder::new();
    folder.append("a.log", "whole\nhalf");
    let running = folder.start(ALL);
    assert_eq!(running.bodies(2).await, ["whole", "half"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_what_is_too_long() {
    let folder = Folder::new();
    folder.append("a.log", format!("{}\nshort\n", "y".repeat(2_500)));
    let running = folder.start("{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, max_log_size: 1KiB }");
    let lengths: Vec<usize> = running.bodies(4).await.iter().map(String::len).collect();
    assert_eq!(lengths, [1_024, 1_024, 452, 5]);
    running.stop().await;
    let running = folder.start(
        "{ include: ['*.log'], start_at: beginning, poll_interval: 10ms, max_log_size: 1KiB, max_log_size_behavior: truncate }",
    );
    let lengths: Vec<usize> = running.bodies(2).await.iter().map(String::len).collect();
    assert_eq!(lengths, [1_024, 5]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_entries_of_several_lines_and_other_encodings() {
    let folder = Folder::new();
    folder.append("a.log", "2026 first\n  at x\n2026 second\n");
    let multiline = "{ include: ['a.log'], start_at: beginning, poll_interval: 10ms, force_flush_period: 50ms, \
                     multiline: { line_start_pattern: '^2026' } }";
    let running = folder.start(multiline);
    assert_eq!(running.bodies(2).await, ["2026 first\n  at x", "2026 second"]);
    running.stop().await;
    let wide: Vec<u8> = "grüße\nwelt\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.append("b.log", wide);
    let running = folder.start("{ include: ['b.log'], start_at: beginning, poll_interval: 10ms, encoding: utf-16le }");
    assert_eq!(running.bodies(2).await, ["grüße", "welt"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_a_file_in_which_no_entry_begins() {
    let folder = Folder::new();
    folder.append("a.log", "y".repeat(300_000));
    let config = "{ include: ['a.log'], start_at: beginning, poll_interval: 10ms, force_flush_period: 50ms, \
                  max_log_size: 100KiB, multiline: { line_start_pattern: '^2026' } }";
    let running = folder.start(config);
    let lengths: Vec<usize> = running.bodies(3).await.iter().map(String::len).collect();
    assert_eq!(lengths, [102_400, 102_400, 95_200]);
    running.stop().await;
}

#[test]
fn blank_lines_are_counted_and_tell_nothing() {
    let folder = Folder::new();
    folder.append("a.log", "a\n\n \t\nb\n");
    let config = "{ include: ['a.log'], start_at: beginning, watch: poll, include_file_record_number: true }";
    let mut steps = folder.steps(config);
    assert_eq!(steps.delivered_after(0), ["a", "b"]);
    assert_eq!(steps.offsets(), [8]);
}

#[test]
fn wide_characters_are_trimmed_and_never_cut_in_half() {
    let folder = Folder::new();
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    folder.append("a.log", wide(" a\r\n\r\nb \r\n"));
    let config =
        "{ include: ['a.log'], start_at: beginning, watch: poll, encoding: utf-16le, force_flush_period: 50ms }";
    let mut steps = folder.steps(config);
    assert_eq!(steps.delivered_after(0), ["a", "b"]);
    let more = wide("half\nrest\n");
    folder.append("a.log", &more[..5]);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.extend(steps.delivered_after(1_000));
    }
    assert_eq!(told, ["ha"], "what is there of a line is told after a while, and no half of a character");
    folder.append("a.log", &more[5..]);
    assert_eq!(steps.delivered_after(1_000), ["lf", "rest"]);
}

#[test]
fn a_pipe_beside_a_file_that_is_written_anew_holds_nothing_up() {
    let folder = Folder::new();
    folder.append("a.log", "one\n");
    let mut steps = folder.steps("{ include: ['*.log'], start_at: beginning, watch: poll }");
    assert_eq!(steps.delivered_after(0), ["one"]);
    for name in ["a.log.x", "a.log.gz", "b.log"] {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, folder.path(name), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    std::fs::write(folder.path("a.log"), "").unwrap();
    assert!(steps.delivered_after(5_000).is_empty());
    folder.append("a.log", "two\n");
    assert_eq!(steps.delivered_after(5_000), ["two"]);
}
