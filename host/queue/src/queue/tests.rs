//! Tests of what stands in `queue`: its promises, one sentence each.

use std::path::{Path, PathBuf};

use super::{folders_around_missing, make_storage};
use crate::config::Config;

#[test]
fn each_folder_that_gets_a_name_when_a_storage_is_made_is_known_before() {
    let folder = tempfile::tempdir().unwrap();
    let storage = folder.path().join("a/b/c");
    let around = folders_around_missing(&storage);
    assert_eq!(around, [folder.path().join("a/b"), folder.path().join("a"), folder.path().to_owned()]);
    make_storage(&storage, &Config { create_directory: true, ..Config::default() }).unwrap();
    assert_eq!(folders_around_missing(&storage), Vec::<PathBuf>::new());
    assert_eq!(folders_around_missing(Path::new("of-none-here/b")), [Path::new("of-none-here"), Path::new(".")]);
}
