//! What becomes of files where the process may open few.

use std::fs::File;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::harness::Folder;

const ALL: &str =
    "{ include: ['*/*.log'], start_at: beginning, poll_interval: 10ms, watch: poll, max_concurrent_files: 200 }";
const ALONE: &str = "TIDEGATE_TEST_ALONE";

/// Whether this process is one of its own for the test, which may open 64 files; where it is not, one is run.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
        return true;
    }
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let own = std::env::current_exe().unwrap();
    let ran = Command::new(own).args(["--exact", &name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    false
}

#[test]
fn forgets_no_file_while_folders_cannot_be_read() {
    if !is_alone("forgets_no_file_while_folders_cannot_be_read") {
        return;
    }
    let folder = Folder::new();
    folder.append("x/a.log", "one\n");
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0), ["one"]);
    let held: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    for _ in 0..3 {
        assert!(steps.delivered_after(5_000).is_empty());
    }
    assert_eq!(steps.offsets(), [4]);
    assert!(steps.metrics.total("tidegate_file_log_read_errors") >= 3);
    drop(held);
    folder.append("x/a.log", "two\n");
    assert_eq!(steps.delivered_after(5_000), ["two"]);
    // What can be looked at and is not there is gone.
    std::fs::remove_file(folder.path("x/a.log")).unwrap();
    for _ in 0..3 {
        assert!(steps.delivered_after(5_000).is_empty());
    }
    assert!(steps.offsets().is_empty());
}

#[test]
fn opens_half_of_the_files_that_the_process_may() {
    if !is_alone("opens_half_of_the_files_that_the_process_may") {
        return;
    }
    let folder = Folder::new();
    for at in 0..100 {
        folder.append(&format!("x/{at}.log"), "one\n");
    }
    let mut steps = folder.steps(ALL);
    assert_eq!(steps.delivered_after(0).len(), 100);
    assert_eq!(steps.gauge("otelcol_fileconsumer_open_files"), Some(32));
}
