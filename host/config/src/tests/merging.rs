//! Several locations that make one configuration.

use super::catalog::{Debug, Toy};
use super::{FILE, MINIMAL};
use crate::{Errors, Location, LocationError, Map, Validated, load_all, validate};

const OTHER: &str = "/run/more/other.yaml";

/// What `locations` make up, in a world with these two files; those that begin with `--set` are settings.
fn of(other: &str, locations: &[&str]) -> Result<Validated, Errors> {
    let world = Map::default()
        .with_file(FILE, MINIMAL)
        .with_file(OTHER, other)
        .with_file("/run/more/pin", "from beside it")
        .with_file("/etc/tidegate/pin", "from the first folder")
        .with_env("MORE", "exporters: { debug: { pin: from the environment } }");
    let location = |text: &&str| match text.strip_prefix("--set ") {
        Some(setting) => Location::set(setting).unwrap(),
        None => text.parse().unwrap(),
    };
    let locations: Vec<Location> = locations.iter().map(location).collect();
    validate(load_all(&locations, &world)?, &Toy).map(|(validated, _)| validated)
}

fn debug(other: &str, locations: &[&str]) -> Debug {
    let validated = of(other, locations).unwrap_or_else(|errors| panic!("{errors}"));
    validated.exporters[&"debug".parse().unwrap()].decode().unwrap()
}

#[test]
fn mappings_are_joined_lists_replaced_and_what_comes_later_wins() {
    let first = "yaml:exporters: { debug: { labels: { a: '1', b: '1' }, shards: [1, 2], pin: x, ratio: 0.5 } }";
    let later = "exporters: { debug: { labels: { b: '2', c: '2' }, shards: [3] } }";
    let merged = debug(later, &[FILE, first, OTHER]);
    assert_eq!(format!("{:?}", merged.labels), r#"{"a": "1", "b": "2", "c": "2"}"#);
    assert_eq!((merged.shards, merged.ratio), (vec![3], 0.5));
    assert_eq!(merged.pin.as_deref(), Some("x"));
    let emptied = debug(later, &[FILE, first, OTHER, "--set exporters.debug.labels="]);
    assert!(emptied.labels.is_empty(), "nothing is a value, too");
}

#[test]
fn a_location_is_a_file_a_variable_a_text_or_a_setting() {
    let pin = |location: &str| debug("exporters: { debug: { pin: from a file } }", &[FILE, location]).pin.unwrap();
    assert_eq!(pin(OTHER), "from a file");
    assert_eq!(pin(&format!("file:{OTHER}")), "from a file");
    assert_eq!(pin("env:MORE"), "from the environment");
    assert_eq!(pin("yaml:exporters::debug::pin: from a text"), "from a text");
    assert_eq!(pin("--set exporters.debug.pin=from = a setting"), "from = a setting");
    assert_eq!(pin("--set exporters::debug::pin = from a setting"), "from a setting");
    assert_eq!(debug("", &[FILE, OTHER, "--set exporters.debug.shards=[7, 8]"]).shards, [7, 8]);
}

#[test]
fn ids_with_slashes_may_be_set() {
    let yaml = "exporters: { debug/a: {} }\nservice: { pipelines: { logs: { exporters: [debug/a] } } }\n";
    let validated = of(yaml, &[FILE, OTHER, "--set exporters.debug/a.offset=5"]).unwrap();
    let set: Debug = validated.exporters[&"debug/a".parse().unwrap()].decode().unwrap();
    assert_eq!(set.offset, 5);
    let named: Vec<String> = validated.pipelines[0].exporters.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["debug/a"], "the list of the first file was replaced");
}

#[test]
fn a_problem_keeps_the_place_where_it_was_written() {
    let other = "exporters:\n  debug:\n    pinn: x\n";
    let locations = [FILE, OTHER, "yaml:receivers::otlp::prtocols: {}", "--set exporters.debug.offset=x"];
    let told = of(other, &locations).unwrap_err().to_string();
    let expected = "--set exporters.debug.offset:1:1: exporters.debug.offset: expected a whole number, found the text \"x\"\n\
         /run/more/other.yaml:3:5: exporters.debug.pinn: unknown key `pinn`, did you mean `pin`?\n\
         yaml:receivers::otlp::prtocols:1:1: receivers.otlp.prtocols: unknown key `prtocols`, did you mean `protocols`?";
    assert_eq!(told, expected);
}

#[test]
fn files_are_looked_for_beside_the_file_that_refers_to_them() {
    let pin = |locations: &[&str]| debug("exporters: { debug: { pin: '${file:pin}' } }", locations).pin.unwrap();
    assert_eq!(pin(&[FILE, OTHER]), "from beside it");
    assert_eq!(pin(&[FILE, "--set exporters.debug.pin=${file:pin}"]), "from the first folder");
    assert_eq!(of("", &["yaml:{}", FILE, OTHER]).unwrap().base.to_str(), Some("/etc/tidegate"));
}

#[test]
fn what_was_written_over_is_not_looked_up() {
    let yaml = "yaml:exporters::debug::pin: ${file:/none}";
    assert_eq!(debug("exporters: { debug: { pin: x } }", &[FILE, yaml, OTHER]).pin.as_deref(), Some("x"));
}

#[test]
fn every_location_that_cannot_be_read_is_named_and_none_is_dropped_in_silence() {
    let told = |other: &str, locations: &[&str]| of(other, locations).unwrap_err().to_string();
    let broken = told("a: [", &[FILE, "/none.yaml", OTHER, "env:NOBODY"]);
    let lines: Vec<&str> = broken.lines().collect();
    assert!(lines[0].starts_with("/none.yaml:1:1: cannot read the configuration"), "{broken}");
    assert!(lines[1].starts_with("/run/more/other.yaml:") && lines[1].contains("no YAML"), "{broken}");
    assert_eq!(lines[2], "env:NOBODY:1:1: the environment variable NOBODY is not set");
    assert_eq!(told("[a]", &[FILE, OTHER]), "/run/more/other.yaml:1:1: expected a mapping, found a list");
    assert!(of("# nothing yet\n", &[OTHER, FILE, OTHER]).is_ok(), "an empty file adds nothing");
}

#[test]
fn a_location_that_makes_no_sense_says_what_would() {
    let wrong = |text: &str| text.parse::<Location>().unwrap_err();
    assert!(wrong("http://hub/config").to_string().contains("http: is not served"));
    assert!(wrong("https:x").to_string().contains("https: is not served"));
    let unknown = wrong("s3:bucket/x").to_string();
    assert!(unknown.contains("unknown scheme `s3`") && unknown.contains("file:s3:bucket/x"), "{unknown}");
    assert_eq!(wrong(""), LocationError::Empty);
    assert_eq!("a/b:c.yaml".parse(), Ok(Location::File("a/b:c.yaml".into())), "a scheme has no slash");
    assert_eq!("c:\\x".parse(), Ok(Location::File("c:\\x".into())), "one letter is no scheme");
    assert_eq!(Location::set("a.b"), Err(LocationError::Equals));
    assert!(matches!(Location::set("a..b=1"), Err(LocationError::Key(_))));
    assert_eq!(Location::set(&format!("{}=1", ["a"; 33].join("."))), Err(LocationError::Deep));
}

#[test]
fn a_name_shows_no_value() {
    let shown = |text: &str| text.parse::<Location>().unwrap().to_string();
    assert_eq!(shown("yaml:exporters::debug::pin: secret"), "yaml:exporters::debug::pin");
    assert_eq!(shown("yaml:exporters:\n  debug: secret"), "yaml:exporters");
    assert_eq!(shown("yaml:{\"exporters\":{\"otlp\":{\"token\":\"secret\"}}}"), "yaml:…");
    assert_eq!(shown("yaml:{exporters:secret, a: b}"), "yaml:…");
    assert_eq!(shown("yaml:secret"), "yaml:…");
    assert_eq!(shown("yaml:'secret': {}"), "yaml:…");
    assert_eq!(Location::set("a.b=secret").unwrap().to_string(), "--set a.b");
}
