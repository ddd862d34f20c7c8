//! References to the environment and to files.

use super::catalog::Debug;
use super::{MINIMAL, problems_in, validated_in, warnings_in};
use crate::Map;

fn world() -> Map {
    Map::default()
        .with_env("PIN", "0123")
        .with_env("PORT", "4317")
        .with_env("HOST", "example.com")
        .with_env("NAME", "PORT")
        .with_env("EMPTY", "")
        .with_env("YES", "true")
        .with_env("MONEY", "pa$$word ${env:PORT}")
        .with_env("LABELS", "{ a: '${env:PORT}', b: x }")
        .with_env("COMMENT", "a # b")
        .with_env("BROKEN", "{ a: [")
        .with_file("/etc/tidegate/token", "s3cret\n")
        .with_file("/run/labels.yaml", "a: 1\nb: ${file:secrets/token}\n")
        .with_file("/run/secrets/token", "beside it")
        .with_file("/run/loop.yaml", "again: ${file:/run/loop.yaml}\n")
        .with_file("/run/wrong.yaml", "verbosity: basic\nlables: {}\n")
}

fn with_debug(section: &str) -> String {
    MINIMAL.replace("debug: {}", &format!("debug: {section}"))
}

fn debug(section: &str) -> Debug {
    let (validated, _) = validated_in(&with_debug(section), world()).unwrap();
    validated.exporters[&"debug".parse().unwrap()].decode().unwrap()
}

#[test]
fn puts_in_what_a_reference_stands_for() {
    for (written, expected) in [
        ("${env:HOST}", "example.com"),
        ("${HOST}", "example.com"),
        ("${env:HOST}:${env:PORT}", "example.com:4317"),
        ("${env:MISSING:-fallback}", "fallback"),
        ("${MISSING:-fallback}", "fallback"),
        ("${env:MISSING:-${env:HOST}}", "example.com"),
        ("${env:EMPTY:-fallback}", ""),
        ("${env:${env:NAME}}", "4317"),
        ("${file:token}", "s3cret"),
        ("Bearer ${file:/etc/tidegate/token}", "Bearer s3cret"),
        ("$$", "$"),
        ("$${env:HOST}", "${env:HOST}"),
        ("a$b", "a$b"),
        ("$", "$"),
        ("${env:MONEY}", "pa$$word ${env:PORT}"),
        ("x ${env:MONEY}", "x pa$$word ${env:PORT}"),
        ("${env:PIN}", "0123"),
        ("${env:YES}", "true"),
        ("${env:LABELS}", "{ a: '${env:PORT}', b: x }"),
        ("${env:COMMENT}", "a # b"),
        ("${env:BROKEN}", "{ a: ["),
    ] {
        assert_eq!(debug(&format!("{{ pin: '{written}' }}")).pin.as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn reads_a_value_that_is_one_reference_as_yaml() {
    assert_eq!(debug("{ offset: '${env:PIN}' }").offset, 0o123);
    assert_eq!(debug("{ ratio: '${env:PIN}' }").ratio, 83.0);
    assert!(debug("{ color: '${env:YES}' }").color);
    assert_eq!(debug("{ offset: '${env:NOTHING:--5}' }").offset, -5);
    assert_eq!(debug("{ shards: '${env:NOTHING:-[1, 2]}' }").shards, [1, 2]);
    let labels = debug("{ labels: '${env:LABELS}' }").labels;
    assert_eq!(labels["a"], "4317", "what a piece of configuration refers to is put in, too");
    let labels = debug("{ labels: '${file:/run/labels.yaml}' }").labels;
    assert_eq!(labels["b"], "beside it", "a path starts from the folder of the file that it stands in");
    assert_eq!(debug("{ shards: '${yaml:[1, 2]}' }").shards, [1, 2]);
    assert_eq!(debug("{ pin: '${yaml:0123}' }").pin.as_deref(), Some("0123"));
}

#[test]
fn says_what_is_wrong_with_a_reference() {
    let at = "2:28: exporters.debug.pin: ";
    for (written, expected) in [
        (
            "${http://x}",
            "${http:…} is not served, since a collector should start when that server is away: write the text to a file, \
             and ${file:PATH}",
        ),
        (
            "${s3:x}",
            "unknown scheme `s3` in ${s3:x}: there are ${env:NAME}, ${env:NAME:-default}, ${NAME}, ${file:PATH} and \
             ${yaml:TEXT}; $${ stands for a plain ${",
        ),
        (
            "${1}",
            "`1` is no name of an environment variable: letters, digits and underscores, no digit first; $${ stands \
             for a plain ${",
        ),
        ("${env:X", "a ${ has no closing }: close it, or write $${ for a plain ${, in \"${env:X\""),
        ("${file:/none}", "cannot read the file /none: no such file"),
    ] {
        let yaml = with_debug(&format!("{{ pin: '{written}' }}"));
        assert_eq!(problems_in(&yaml, world()), [format!("{at}{expected}")], "{written}");
    }
}

#[test]
fn places_a_problem_in_the_file_that_has_it() {
    let yaml = with_debug("'${file:/run/wrong.yaml}'");
    let expected = "/run/wrong.yaml:2:1: exporters.debug.lables: unknown key `lables`, did you mean `labels`?";
    assert_eq!(problems_in(&yaml, world()), [expected]);
}

#[test]
fn warns_of_a_variable_that_is_not_set() {
    let yaml = with_debug("{ pin: '${env:NOPE}' }");
    assert_eq!(
        warnings_in(&yaml, world()),
        ["2:28: exporters.debug.pin: the environment variable NOPE is not set, so this is empty: set it, or write \
             ${env:NOPE:-default}"]
    );
    assert_eq!(debug("{ pin: '${env:NOPE}' }").pin.as_deref(), Some(""));
}

#[test]
fn ends_when_files_refer_to_one_another_in_a_circle() {
    let yaml = with_debug("{ labels: '${file:/run/loop.yaml}' }");
    let problems = problems_in(&yaml, world());
    assert!(problems[0].contains("references lead into one another more than 8 times"), "{problems:?}");
}

#[test]
fn a_variable_without_braces_is_no_reference_and_where_it_is_set_that_is_told() {
    let yaml = MINIMAL.replace("debug: {}", "debug: { pin: 'a$PIN-$UNSET-$$PIN-$1' }");
    let told = warnings_in(&yaml, Map::default().with_env("PIN", "1"));
    assert_eq!(
        told,
        ["2:28: exporters.debug.pin: `$PIN` is taken as it stands: ${env:PIN} is the environment variable"]
    );
    assert_eq!(warnings_in(&yaml, Map::default()), [""; 0]);
    let escaped = yaml.replace("a$PIN-", "");
    assert_eq!(warnings_in(&escaped, Map::default().with_env("PIN", "1")), [""; 0], "two dollars are meant");
}
