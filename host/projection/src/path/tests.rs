//! Tests of what stands in `path`: its promises, one sentence each.

use super::{Path, Reach};

fn path(source: &str) -> Path {
    Path::parse(source).unwrap()
}

#[test]
fn a_path_prints_as_it_was_written() {
    for source in [
        "log.body",
        "log.body[**]",
        "resource.attributes[\"cluster.id\"]",
        "span.attributes[*]",
        "span.status.code",
        "log.attributes[\"a\"][\"b \\\"c\\\"\"][**]",
        "scope.name",
        "spanlink.trace_state",
        "metric.metadata[\"k\"]",
        "datapoint.value",
    ] {
        assert_eq!(path(source).to_string(), source);
    }
}

#[test]
fn an_alias_is_the_field_it_stands_for() {
    assert_eq!(path("instrumentation_scope.version").to_string(), "scope.version");
    assert!(path("exemplar.attributes[*]").covers(&path("exemplar.filtered_attributes[\"a\"]")));
}

#[test]
fn an_error_names_the_place_and_what_exists() {
    for (source, message) in [
        ("lgo.body", "path `lgo.body`, at byte 0: there is no context `lgo`; there are `resource`, `scope`, `log`,"),
        ("log", "path `log`, at byte 3: a field must follow `log.`; there are `time_unix_nano`,"),
        ("log.bodi", "path `log.bodi`, at byte 4: `log` has no field `bodi`; there are `time_unix_nano`,"),
        ("log.severity_text[*]", "at byte 17: `severity_text` is no map, so it has no `[`"),
        ("log.attributes[a]", "at byte 14: an index is `[\"key\"]`, `[*]` or `[**]`"),
        ("log.attributes[\"a]", "at byte 14: an index is"),
        ("log.attributes[\"a\"", "at byte 14: an index is"),
        ("resource.entity_refs[*]", "at byte 20: `entity_refs` has no keys; all of its texts are `entity_refs[**]`"),
        ("log.attributes[*][\"a\"]", "at byte 17: nothing may follow"),
        ("", "path ``, at byte 0: there is no context ``"),
    ] {
        let error = Path::parse(source).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_path_covers_itself_and_what_is_beneath_it() {
    for (wide, narrow) in [
        ("log.body", "log.body"),
        ("log.body", "log.body[**]"),
        ("log.body[**]", "log.body"),
        ("log.attributes[**]", "log.attributes[*]"),
        ("log.attributes[**]", "log.attributes[\"a\"][\"b\"]"),
        ("log.attributes[*]", "log.attributes[\"a\"]"),
        ("log.attributes[*]", "log.attributes[*]"),
        ("log.attributes[\"a\"]", "log.attributes[\"a\"][**]"),
        ("log.attributes", "log.attributes[**]"),
    ] {
        assert!(path(wide).covers(&path(narrow)), "{wide} covers {narrow}");
    }
    for (narrow, wide) in [
        ("log.attributes[*]", "log.attributes[**]"),
        ("log.attributes[*]", "log.attributes[\"a\"][\"b\"]"),
        ("log.attributes[*]", "log.attributes[\"a\"][*]"),
        ("log.attributes[\"a\"]", "log.attributes[\"b\"]"),
        ("log.attributes[\"a\"]", "log.attributes[*]"),
        ("log.attributes[**]", "resource.attributes[**]"),
        ("log.body", "log.severity_text"),
        ("scope.attributes[**]", "resource.attributes[*]"),
        ("log.attributes[\"a\"][\"b\"]", "log.attributes[\"a\"]"),
    ] {
        assert!(!path(narrow).covers(&path(wide)), "{narrow} does not cover {wide}");
    }
    assert_eq!(path("log.attributes[*]").reach(), Reach::Values);
}
