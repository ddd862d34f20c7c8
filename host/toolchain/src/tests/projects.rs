//! New projects, and what is wrong with old ones.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::manifest::Manifest;
use crate::{Language, build, create};

fn texts_under(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(texts_under(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            texts.push((path.display().to_string(), text));
        }
    }
    texts
}

#[test]
fn a_new_project_has_its_name_its_sdk_and_the_contract() {
    for language in Language::ALL {
        let folder = tempdir().unwrap();
        let project = folder.path().join("my-masks");
        create(language, "my-masks", &project).unwrap();
        let manifest = Manifest::read(&project).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.language), ("my-masks", language));
        for wanted in ["README.md", ".gitignore", "tidegate.yaml", "fixtures/logs.json", "wit/processor.wit"] {
            assert!(project.join(wanted).is_file(), "{language}: {wanted}");
        }
        for (path, text) in texts_under(&project) {
            assert!(!text.contains("{{name}}"), "{path}");
            assert!(!path.ends_with(".template") && !path.contains("dot-"), "{path}");
        }
        let sdk = match language {
            Language::Rust => "sdk/rust/src/lib.rs",
            Language::Python => "sdk/tidegate/__init__.py",
            Language::JavaScript => "sdk/index.js",
            Language::Go => "sdk/tidegate.go",
            Language::C => "sdk/tidegate.h",
        };
        assert!(project.join(sdk).is_file(), "{sdk}");
    }
}

#[test]
fn a_folder_that_is_taken_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let error = create(Language::C, "masks", folder.path()).expect_err("it is taken");
    assert!(error.to_string().ends_with("is not empty: name a folder that there is not yet"), "{error}");
}

#[test]
fn a_name_that_is_none_is_refused() {
    for name in ["", "Masks", "9masks", "my masks", "../masks", "masks-"] {
        let folder = tempdir().unwrap();
        let error = create(Language::Go, name, &folder.path().join("p")).expect_err(name);
        assert!(error.to_string().contains("cannot be a module's name"), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_manifest_is_told_by_its_key() {
    for (text, told) in [
        ("name: a\nlanguage: cobol", "language: there is no SDK for `cobol`"),
        ("language: c", "name: has to be set"),
        ("name: a", "language: has to be set"),
        ("name: a\nlanguage: c\nsource: x", "source: there is no such key"),
        ("name: a\nlanguage: c\nflags: -O3", "flags: has to be a list of texts"),
        ("- a", "it has to be a mapping"),
    ] {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("module.yaml"), text).unwrap();
        let error = build(folder.path()).expect_err(text).to_string();
        assert!(error.contains("module.yaml: ") && error.contains(told), "{error}");
    }
}

#[test]
fn a_folder_without_a_manifest_is_told_how_one_is_made() {
    let folder = tempdir().unwrap();
    let error = build(folder.path()).expect_err("there is no project").to_string();
    assert!(error.contains("`tidegate module new` makes one"), "{error}");
}

/// The SDK of a new project in Rust has the dependencies that it has here.
#[test]
fn rust_gets_the_versions_of_this_workspace() {
    let parse = |text: &str| text.parse::<toml::Table>().unwrap()["workspace"].clone();
    let here = parse(include_str!("../../../../Cargo.toml"));
    let there = parse(include_str!("../../../../sdk/rust/template/sdk/Cargo.toml.template"));
    assert_eq!(here["package"], there["package"]);
    for (name, wanted) in there["dependencies"].as_table().unwrap().iter().filter(|(name, _)| *name != "tidegate-sdk") {
        assert_eq!(&here["dependencies"][name.as_str()], wanted, "{name}");
    }
}
