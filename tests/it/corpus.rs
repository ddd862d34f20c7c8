//! Configurations as users of the Collector write them: each is accepted, or refused with what is wrong, where, and what to use
//! instead.
//!
//! Beside each `NAME.yaml` in `corpus` is what `tidegate validate` says of it, `NAME.txt`. To write these anew, after a change
//! that is meant, set `TIDEGATE_CORPUS=write`; what changed is then in the diff.

use std::fs;
use std::path::Path;

use crate::harness::tidegate;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/it/corpus");

/// What is said of a configuration, and how it ends.
fn told(file: &str) -> String {
    let mut command = tidegate();
    command.current_dir(FOLDER).env_clear();
    command.env("MY_POD_IP", "10.0.0.7").env("K8S_NODE_IP", "10.0.0.1").env("API_TOKEN", "x").env("DD_API_KEY", "x");
    let output = command.args(["validate", "--config", file]).output().unwrap();
    let said = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap()).concat();
    format!("{said}exit code {}\n", output.status.code().unwrap())
}

#[test]
fn says_of_each_configuration_what_it_is_expected_to_say() {
    let mut different = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        count += 1;
        let told = told(path.file_name().unwrap().to_str().unwrap());
        let expected = path.with_extension("txt");
        if std::env::var("TIDEGATE_CORPUS").is_ok_and(|what| what == "write") {
            fs::write(&expected, told).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != told {
            different.push(format!("{}:\n{told}", path.display()));
        }
    }
    assert!(count >= 30, "{count}");
    assert!(different.is_empty(), "TIDEGATE_CORPUS=write accepts these:\n{}", different.join("\n"));
}

#[test]
fn every_refusal_names_its_line_and_a_way_out() {
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let said = told(path.file_name().unwrap().to_str().unwrap());
            let refused = said.ends_with("exit code 1\n");
            let places = said.lines().filter(|line| starts_with_a_place(line, &path)).count();
            assert!(!refused || places > 0, "{said}");
        }
    }
}

/// Whether a line begins as `NAME.yaml:LINE:COLUMN: `.
fn starts_with_a_place(line: &str, path: &Path) -> bool {
    let Some(rest) = line.strip_prefix(path.file_name().unwrap().to_str().unwrap()) else { return false };
    let mut parts = rest.splitn(4, ':');
    let number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    parts.next() == Some("") && number(parts.next()) && number(parts.next())
}
