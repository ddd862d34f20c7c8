//! `tidegate module test`: folders of cases.

use std::fs;

use super::{Folder, logs};
use crate::harness::modules;

const RULES: &str = "detectors: { email: {} }\n";

/// One case with everything that a case may have, of the bundled scrubber; not blessed yet.
fn folder() -> Folder {
    let input = logs(&["mail bob@example.com"]);
    Folder::new().file("tests/masks_email/input.json", input).file("tests/masks_email/config.yaml", RULES)
}

const TEST: &str = "test --module pii-scrub";

#[test]
fn a_case_is_blessed_and_then_holds() {
    let folder = folder();
    let blessed = folder.module(&format!("{TEST} --bless")).fine();
    assert!(blessed.contains("\nrunning 1 test\ntest masks_email ... blessed\n"), "{blessed}");
    let expected = folder.read("tests/masks_email/expected.json");
    assert!(
        expected.contains("\n            {\n") && expected.contains("\"stringValue\": \"mail ****\""),
        "{expected}"
    );
    let told = folder.module(TEST).fine();
    let result = "\nrunning 1 test\ntest masks_email ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 filtered out; finished in ";
    assert!(told.starts_with(result), "{told}");
    // What is as expected is not written again.
    let by_hand = expected.replace("\"severityNumber\": 9", "\"severityNumber\": 9, \"severityText\": \"\"");
    folder.write("tests/masks_email/expected.json", &by_hand);
    assert!(folder.module(&format!("{TEST} --bless")).fine().contains("masks_email ... ok"));
    assert_eq!(folder.read("tests/masks_email/expected.json"), by_hand);
}

#[test]
fn what_is_another_way_than_expected_is_told_and_fails() {
    let folder = folder().file("tests/other/input.json", logs(&["x"]));
    folder.write("tests/masks_email/expected.json", logs(&["mail [gone]"]).replace("\"7\"", "\"8\""));
    folder.write("tests/other/expected.json", logs(&["x"]));
    folder.write("tests/other/config.yaml", "detectors: { ipv4: {} }\n");
    let said = folder.module(TEST);
    assert_eq!(said.code, Some(1));
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0]";
    let told = format!(
        "
running 2 tests
test masks_email ... FAILED
test other ... ok

failures:

---- masks_email ----
expected → what came out
{place}.attributes[\"user.email\"]: \"ada@example.com\" → \"****\"
{place}.attributes[\"n\"]: 8 → 7
{place}.body: \"mail [gone]\" → \"mail ****\"


failures:
    masks_email

test result: FAILED. 1 passed; 1 failed; 0 filtered out; finished in "
    );
    assert!(said.out.starts_with(&told), "{}", said.out);
    let only = folder.module(&format!("{TEST} --filter oth")).fine();
    assert!(
        only.contains("\nrunning 1 test\ntest other ... ok\n") && only.contains("0 failed; 1 filtered out"),
        "{only}"
    );
}

#[test]
fn what_was_expected_may_be_blessed_away_whatever_it_was() {
    let folder = folder();
    for (file, text) in [("expected.json", "{ \"resourceL"), ("expected-counters.json", "[]")] {
        folder.write(&format!("tests/masks_email/{file}"), text);
        assert_eq!(folder.module(TEST).code, Some(1));
        assert!(folder.module(&format!("{TEST} --bless")).fine().contains("masks_email ... blessed"));
        folder.module(TEST).fine();
    }
}

#[test]
fn an_error_may_be_what_is_expected() {
    let folder =
        folder().file("tests/wrong_key/input.json", logs(&["x"])).file("tests/wrong_key/config.yaml", "mask: 7\n");
    folder.module(&format!("{TEST} --bless")).fine();
    let error = folder.read("tests/wrong_key/expected-error.txt");
    assert!(error.starts_with("the module cannot be configured: mask: "), "{error}");
    folder.module(TEST).fine();
    folder.write("tests/wrong_key/config.yaml", RULES);
    let said = folder.module(TEST);
    assert!(
        said.out.contains("the batch was processed; expected was the error\n  the module cannot be configured"),
        "{said:?}"
    );
    // What was expected before is not expected any more.
    folder.module(&format!("{TEST} --bless")).fine();
    assert!(!folder.path().join("tests/wrong_key/expected-error.txt").exists());
    folder.module(TEST).fine();
}

#[test]
fn a_case_may_ask_for_what_the_module_counted_and_logged() {
    let folder =
        folder().file("tests/masks_email/expected-counters.json", "{}").file("tests/masks_email/expected-logs.txt", "");
    folder.module(&format!("{TEST} --bless")).fine();
    assert_eq!(folder.read("tests/masks_email/expected-counters.json"), "{\n  \"redacted_email\": 2\n}\n");
    assert_eq!(folder.read("tests/masks_email/expected-logs.txt"), "");
    folder.write("tests/masks_email/expected-logs.txt", "warn it is late\n");
    folder.write("tests/masks_email/expected-counters.json", "{ \"redacted_email\": 3 }");
    let said = folder.module(TEST);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("logged was something else\n- warn it is late\n"), "{said:?}");
    assert!(said.out.contains("counted was something else\n- redacted_email 3\n+ redacted_email 2\n"), "{said:?}");
}

#[test]
fn telemetry_is_expected_by_the_route_that_it_takes() {
    let rules = "rules: [{ match: { log: { body: 'two' } }, route: 'a/b' }]\n";
    let folder =
        Folder::new().file("tests/routed/input.json", logs(&["one", "two"])).file("tests/routed/config.yaml", rules);
    folder.module("test --module routing --bless").fine();
    assert!(folder.read("tests/routed/expected.json").contains("\"one\""));
    assert!(folder.read("tests/routed/expected.a%2Fb.json").contains("\"two\""));
    folder.module("test --module routing").fine();
    folder.write("tests/routed/expected.json", logs(&["one", "two"]));
    fs::remove_file(folder.path().join("tests/routed/expected.a%2Fb.json")).unwrap();
    let said = folder.module("test --module routing");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("- resourceLogs[0].scopeLogs[0].logRecords[1]: log record \"two\"\n"), "{said:?}");
    assert!(said.out.contains("+ route \"a/b\": resourceLogs[0]: 1 log record\n"), "{said:?}");
}

#[test]
fn that_nothing_goes_on_may_be_what_is_expected() {
    let rules = "detectors: { email: { action: drop_item } }\n";
    let folder = folder().file("tests/masks_email/config.yaml", rules);
    folder.module(&format!("{TEST} --bless")).fine();
    assert_eq!(folder.read("tests/masks_email/expected.json"), "{}\n");
    folder.module(TEST).fine();
}

#[test]
fn the_context_of_a_case_is_what_the_module_is_told() {
    let folder = Folder::new()
        .file("tests/labels/input.json", logs(&["one"]))
        .file("tests/labels/config.yaml", "received_at: hub.received_at\n")
        .file("tests/labels/context.yaml", "now: 1800000000000000001\n");
    folder.module("test --module cluster-labels --bless").fine();
    assert!(folder.read("tests/labels/expected.json").contains("\"2027-01-15T08:00:00.000000001Z\""));
}

#[test]
fn what_is_wrong_with_a_case_fails_it_and_not_the_others() {
    let folder = folder()
        .file("tests/README.md", "notes")
        .file("tests/common/mod.rs", "// a helper of somebody else's")
        .file("tests/broken/input.json", "{ \"resourceLogs\"")
        .file("tests/latin/input.json", b"{ \"resourceLogs\": \"\xe9\" }")
        .file("tests/mistyped/input.json", logs(&["a"]))
        .file("tests/mistyped/expect.json", "{}")
        .file("tests/no_input/expected.json", "{}")
        .file("tests/both/input.json", logs(&["a"]))
        .file("tests/both/config.yaml", RULES)
        .file("tests/both/expected.json", "{}")
        .file("tests/both/expected-error.txt", "it is late")
        .file("tests/other_signal/input.json", logs(&["a"]))
        .file("tests/other_signal/config.yaml", RULES)
        .file("tests/other_signal/expected.json", "[]")
        .file("tests/nothing_expected/input.json", logs(&["a"]))
        .file("tests/nothing_expected/config.yaml", RULES);
    folder.module("test --module pii-scrub --filter masks --bless").fine();
    let said = folder.module(TEST);
    assert_eq!(said.code, Some(1));
    for line in [
        "running 8 tests",
        "test masks_email ... ok",
        "---- broken ----\n`tests/broken/input.json` is no OTLP request in JSON: EOF while parsing an object at line 1 column 16",
        "---- latin ----\n`tests/latin/input.json` is no OTLP request in JSON: ",
        "---- mistyped ----\nthere is a file `expect.json`, which no case has; a case has input.json, config.yaml, ",
        "---- no_input ----\nthere is no input.json",
        "---- both ----\nthere is telemetry expected and an error, too: keep one of the two",
        "---- other_signal ----\n`tests/other_signal/expected.json` is no OTLP request of logs in JSON: ",
        "---- nothing_expected ----\nthere is neither expected.json nor expected-error.txt: --bless writes what comes out",
        "test result: FAILED. 1 passed; 7 failed; 0 filtered out; finished in",
    ] {
        assert!(said.out.contains(line), "{line}\n---\n{}", said.out);
    }
}

#[test]
fn a_folder_without_cases_or_without_a_module_is_an_error() {
    let folder = Folder::new();
    assert!(folder.module(TEST).error(1).starts_with("error: cannot read the cases in `tests`\n\nCaused by:\n"));
    fs::create_dir(folder.path().join("tests")).unwrap();
    let told = "error: there are no cases in `tests`: a case is a folder with input.json in it\n";
    assert_eq!(folder.module(TEST).error(1), told);
    folder.write("tests/one/input.json", logs(&["a"]));
    let told = folder.module("test").error(1);
    let which = "error: which module is it? name one with --module\n\nCaused by:\n  there is no project here: module.yaml cannot";
    assert!(told.starts_with(which), "{told}");
    folder.write("module.yaml", "name: mine\n");
    assert!(folder.module("test").error(1).contains("./module.yaml: language: has to be set"));
    folder.write("module.yaml", "name: mine\nlanguage: rust\n");
    let told = folder.module("test --filter one").error(1);
    assert!(told.contains("`build/mine.wasm` is not there: `tidegate module build` makes it"), "{told}");
}

#[test]
fn a_new_project_is_one_that_a_build_takes_and_a_folder_that_has_something_in_it_is_left_alone() {
    let folder = Folder::new();
    folder.module("new my-masks --lang c").fine();
    let manifest = folder.read("my-masks/module.yaml");
    assert!(manifest.contains("name: my-masks") && manifest.contains("language: c"), "{manifest}");
    assert!(folder.module("new my-masks --lang go").error(1).contains("my-masks is not empty"));
    assert!(folder.module("new Mine --lang go").error(1).contains("`Mine` cannot be a module's name"));
    assert!(folder.module("new mine --lang cobol").error(2).contains("there is no SDK for `cobol`"));
    assert!(folder.module("build").error(1).contains("there is no project here"));
}

#[test]
fn the_module_is_the_one_that_the_folder_builds() {
    let folder = Folder::new()
        .file("mine/module.yaml", "name: mine\nlanguage: rust\n")
        .file("mine/build/mine.wasm", modules::bundled("cluster-labels"))
        .file("mine/tests/labels/input.json", logs(&["one"]))
        .file("mine/tests/labels/config.yaml", "attributes: { a: b }\n");
    folder.module("test mine --bless").fine();
    folder.module("test mine --filter labels").fine();
    assert!(folder.read("mine/tests/labels/expected.json").contains("\"a\""));
}

#[test]
fn bundled_modules_are_as_their_own_cases_say() {
    let guests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests");
    let folders = fs::read_dir(guests).unwrap().map(|entry| entry.unwrap().path());
    let with_cases: Vec<_> = folders.filter(|folder| folder.join("tests").is_dir()).collect();
    assert!(with_cases.len() >= 3, "{with_cases:?}");
    for guest in with_cases {
        let name = guest.file_name().unwrap().to_str().unwrap();
        Folder::new().module(&format!("test {} --module {name}", guest.display())).fine();
    }
}
