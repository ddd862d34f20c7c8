//! What becomes of a crate that somebody points at.

use std::path::PathBuf;

use crate::{Crate, Error};

fn read(crate_types: &str) -> Result<Crate, Error> {
    let metadata = format!(
        r#"{{"target_directory":"/w/own/target","packages":[
            {{"name":"other","manifest_path":"/w/other/Cargo.toml","targets":[]}},
            {{"name":"my-own","manifest_path":"/w/own/Cargo.toml",
              "targets":[{{"name":"my-own","crate_types":{crate_types}}},{{"name":"it","crate_types":["bin"]}}]}}
        ]}}"#
    );
    Crate::read(PathBuf::from("/w/own/Cargo.toml"), &metadata)
}

#[test]
fn the_module_has_the_name_of_the_package() {
    let own = read(r#"["cdylib"]"#).expect("it is a module");
    assert_eq!((own.name(), own.library.as_str()), ("my-own", "my_own"));
}

#[test]
fn a_crate_that_makes_no_module_is_told_what_to_add() {
    let error = read(r#"["lib"]"#).expect_err("it is no module");
    assert!(error.to_string().contains(r#"crate-type = ["cdylib"]"#), "{error}");
}

#[test]
fn a_workspace_is_no_crate() {
    let metadata = r#"{"target_directory":"/w/target","packages":[]}"#;
    let error = Crate::read(PathBuf::from("/w/Cargo.toml"), metadata).expect_err("there is no package");
    assert!(error.to_string().contains("name the folder of one crate"), "{error}");
}
