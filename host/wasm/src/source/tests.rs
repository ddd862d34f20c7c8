//! Tests of what stands in `source`: its promises, one sentence each.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use host_config::watched::{Contents, Watched};
use serde_json::json;

use super::{Places, Source, SourceError, canonical};
use crate::Bundled;

const BUNDLED: &[Bundled] = &[Bundled { name: "labels", component: b"bundled", reads: &[], writes: &[] }];

fn source(base: &Path, module: &str) -> Result<Source, SourceError> {
    let places = Places { base, folder: Some(Path::new("modules")), bundled: BUNDLED, may_be_missing: false };
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
    assert_eq!(&labels.fetch(64).unwrap().component[..], b"bundled");
    let file = base.path().join("modules/labels.wasm");
    fs::write(&file, b"own").unwrap();
    assert_eq!(&labels.fetch(64).unwrap().component[..], b"own");
    fs::remove_file(&file).unwrap();
    assert_eq!(&labels.fetch(64).unwrap().component[..], b"bundled");
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
fn a_file_is_ready_when_it_is_left_alone_however_it_came() {
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
    assert!(!watched.has_changed(), "it may have been made anew, and is still written");
    assert!(watched.has_changed(), "it was left alone");
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

#[test]
fn the_links_of_a_mounted_config_map_are_followed() {
    let base = tempfile::tempdir().unwrap();
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, base.path().join(from)).unwrap();
    for version in ["..1", "..2"] {
        fs::create_dir(base.path().join(version)).unwrap();
        fs::write(base.path().join(version).join("mine.wasm"), version).unwrap();
    }
    link("..1", "..data");
    link("..data/mine.wasm", "mine.wasm");
    let mut watched = Watched::new(base.path().join("mine.wasm"));
    while watched.has_changed() || watched.read(64).unwrap() != Contents::Whole(b"..1".to_vec()) {}
    while watched.has_changed() {
        watched.take();
    }
    // As the kubelet does it: a new link beside the old one, renamed over it, and what it led to removed.
    link("..2", "..data_tmp");
    fs::rename(base.path().join("..data_tmp"), base.path().join("..data")).unwrap();
    fs::remove_dir_all(base.path().join("..1")).unwrap();
    assert!(!watched.has_changed(), "it may still be written");
    assert!(watched.has_changed());
    assert_eq!(watched.read(64).unwrap(), Contents::Whole(b"..2".to_vec()));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let base = with_folder();
    let pipe = base.path().join("modules/pipe.wasm");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for module in ["pipe", "./modules", "/dev/zero"] {
        let mut source = source(base.path(), module).unwrap();
        let said = source.fetch(64).err().expect("there is nothing to read").to_string();
        assert!(said.contains("no regular file"), "{module}: {said}");
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_not_taken() {
    let base = with_folder();
    let path = base.path().join("modules/mine.wasm");
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            while !ended.load(Ordering::Relaxed) {
                file.write_all(&[0]).unwrap();
            }
        }
    });
    let mut mine = source(base.path(), "mine").unwrap();
    while !matches!(mine.fetch(1 << 30), Err(SourceError::Changing { .. })) {}
    ended.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(mine.fetch(1 << 30).is_ok());
}

#[test]
fn references_in_a_configuration_file_are_replaced() {
    let base = with_folder();
    fs::write(base.path().join("key"), "a secret\n").unwrap();
    let rules = "hash: { key: '${file:key}', length: '${env:TIDEGATE_NOBODY_SETS_THIS:-16}' }\nregex: '^\\d+$'\n";
    fs::write(base.path().join("rules.yaml"), rules).unwrap();
    let places = Places { base: base.path(), folder: None, bundled: BUNDLED, may_be_missing: false };
    let mut labels = Source::new("labels", None, Some(Path::new("rules.yaml")), &places).unwrap();
    let config = labels.fetch(64).unwrap().config;
    assert_eq!(config, r#"{"hash":{"key":"a secret","length":16},"regex":"^\\d+$"}"#);

    fs::write(base.path().join("rules.yaml"), "hash: { key: '${file:nokey}' }\n").unwrap();
    let said = labels.fetch(64).err().expect("there is no such file").to_string();
    assert!(said.contains("hash.key") && said.contains("nokey"), "{said}");
}
