//! Tests of what stands in `source`: its promises, one sentence each.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::watched::Watched;
use super::{Places, Source, SourceError, canonical};
use crate::Bundled;

const BUNDLED: &[Bundled] = &[Bundled { name: "labels", component: b"bundled", reads: &[], writes: &[] }];

fn source(base: &Path, module: &str) -> Result<Source, SourceError> {
    let places = Places { base, folder: Some(Path::new("modules")), bundled: BUNDLED };
    Source::new(module, None, None, &places)
}

fn with_folder() -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("modules")).unwrap();
    base
}

#[test]
fn the_folder_goes_before_the_binary() {
    let base = with_folder();
    let mut labels = source(base.path(), "labels").unwrap();
    assert_eq!(*labels.fetch(64).unwrap().component, *b"bundled");
    let file = base.path().join("modules/labels.wasm");
    fs::write(&file, b"own").unwrap();
    assert_eq!(*labels.fetch(64).unwrap().component, *b"own");
    fs::remove_file(&file).unwrap();
    assert_eq!(*labels.fetch(64).unwrap().component, *b"bundled");
}

#[test]
fn a_path_is_a_path_and_a_name_is_a_name() {
    let base = with_folder();
    assert_eq!(source(base.path(), "./dir/mine.wasm").unwrap().name(), "mine");
    assert_eq!(source(base.path(), "mine.wasm").unwrap().name(), "mine");
    assert_eq!(source(base.path(), "labels").unwrap().name(), "labels");
    let error = source(base.path(), "lables").err().expect("there is no such module");
    assert_eq!(
        error.to_string(),
        "there is no module \"lables\": no such file in modules, and the bundled ones are labels"
    );
    assert!(matches!(source(base.path(), ""), Err(SourceError::NoModule)));
}

#[test]
fn reads_no_more_than_the_limit() {
    let base = with_folder();
    fs::write(base.path().join("modules/big.wasm"), [0; 65]).unwrap();
    let mut big = source(base.path(), "big").unwrap();
    assert!(matches!(big.fetch(64), Err(SourceError::Size(_))));
    assert_eq!(big.fetch(65).unwrap().component.len(), 65);
}

#[test]
fn one_configuration_has_one_text() {
    let value = json!({"b": [1, {"z": null, "a": "é\"\n"}], "a": 1.5});
    assert_eq!(canonical(&value), r#"{"a":1.5,"b":[1,{"a":"é\"\n","z":null}]}"#);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&canonical(&value)).unwrap(), value);
}

#[test]
fn a_renamed_file_is_ready_at_once_and_one_that_is_written_when_it_is_left_alone() {
    let base = with_folder();
    let path = base.path().join("file");
    fs::write(&path, "one").unwrap();
    let mut watched = Watched::new(path.clone());
    watched.take();
    // What was just written may be written again within the clock's grain: it is read once more.
    while watched.has_changed() {
        watched.take();
    }
    assert!(!watched.has_changed());

    fs::write(base.path().join("new"), "two").unwrap();
    fs::rename(base.path().join("new"), &path).unwrap();
    assert!(watched.has_changed(), "a rename brings a whole file");
    watched.take();
    while watched.has_changed() {
        watched.take();
    }

    fs::write(&path, "in place").unwrap();
    assert!(!watched.has_changed(), "it may still be written");
    fs::write(&path, "in place, longer").unwrap();
    assert!(!watched.has_changed(), "it was");
    assert!(watched.has_changed(), "it was left alone");
}
