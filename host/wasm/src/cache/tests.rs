//! Tests of what stands in `cache`: its promises, one sentence each.

use std::fs;
use std::time::{Duration, SystemTime};

use super::Cache;

fn entry(cache: &Cache, name: &str, bytes: usize, age: u64) {
    let path = cache.folder.join(name);
    fs::write(&path, vec![0; bytes]).unwrap();
    let used = SystemTime::now() - Duration::from_secs(age);
    fs::File::options().append(true).open(path).unwrap().set_modified(used).unwrap();
}

fn names(cache: &Cache) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(&cache.folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn removes_what_was_not_used_for_longest() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("a/b"), 250).unwrap();
    entry(&cache, "old.cwasm", 100, 30);
    entry(&cache, "older.cwasm", 100, 60);
    entry(&cache, "new.cwasm", 100, 10);
    entry(&cache, "stranger.txt", 1000, 90);
    cache.evict(&cache.folder.join("new.cwasm"));
    assert_eq!(names(&cache), ["new.cwasm", "old.cwasm", "stranger.txt"]);
}

#[test]
fn keeps_what_it_just_took_however_large() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("cache"), 10).unwrap();
    entry(&cache, "huge.cwasm", 100, 100);
    entry(&cache, "small.cwasm", 5, 1);
    cache.evict(&cache.folder.join("huge.cwasm"));
    assert_eq!(names(&cache), ["huge.cwasm"]);
}

#[test]
fn removes_what_a_killed_process_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Cache::open(folder.path().join("cache"), 1000).unwrap();
    let cache = open();
    entry(&cache, ".tmp-old", 10, 3 * 24 * 3600);
    entry(&cache, ".tmp-new", 10, 60);
    entry(&cache, "old.cwasm", 10, 3 * 24 * 3600);
    assert_eq!(names(&open()), [".tmp-new", "old.cwasm"]);
}
