//! What a section may say.

use host_config::{Check as _, Value};

use super::super::Config;
use crate::testing::section;

fn wrongs(text: &str) -> Vec<String> {
    section::<Config>(text).wrongs().iter().map(ToString::to_string).collect()
}

fn begins(text: &str, starts: &[&str]) {
    let told = wrongs(text);
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
}

#[test]
fn defaults_are_the_collectors() {
    let config = section::<Config>("{scrapers: {cpu: }}");
    let schedule = config.schedule();
    assert_eq!((schedule.interval.as_secs(), schedule.initial_delay.as_secs(), schedule.timeout.as_secs()), (60, 1, 0));
    assert!(config.wrongs().is_empty());
}

#[test]
fn every_scraper_is_on_that_is_named_also_with_nothing_behind_it() {
    let config = section::<Config>("{scrapers: {cpu: , filesystem: {}}}").scrapers;
    assert!(config.cpu.is_some() && config.filesystem.is_some() && config.memory.is_none());
}

#[test]
fn a_section_without_a_scraper_is_refused() {
    begins("{}", &["scrapers: there is none: name at least one"]);
}

#[test]
fn what_is_not_served_is_refused_by_name_with_the_way_out() {
    begins(
        "{scrapers: {cpu: , process: {mute_process_name_error: true}}}",
        &["scrapers.process: single processes are not told"],
    );
    begins(
        "{metadata_collection_interval: 5m, scrapers: {cpu: }}",
        &["metadata_collection_interval: no events of entities"],
    );
    begins("{root_path: hostfs, scrapers: {cpu: }}", &["root_path: it starts with `/`"]);
}

#[test]
fn a_metric_that_a_scraper_has_not_is_refused() {
    let text = "{scrapers: {cpu: {metrics: {system.cpu.times: {enabled: true}}}}}";
    begins(
        text,
        &["scrapers.cpu.metrics.system.cpu.times: there is no such metric here; did you mean `system.cpu.time`?"],
    );
}

#[test]
fn lists_say_how_they_are_meant_and_patterns_are_patterns() {
    begins("{scrapers: {disk: {include: {devices: [sda]}}}}", &["scrapers.disk.include.match_type: it is missing"]);
    begins(
        "{scrapers: {network: {exclude: {interfaces: ['('], match_type: regexp}}}}",
        &["scrapers.network.exclude.interfaces: regex parse error"],
    );
    begins(
        "{scrapers: {filesystem: {include_fs_types: {fs_types: [ext4], match_type: strict, regexp: {cacheenabled: true}}}}}",
        &["scrapers.filesystem.include_fs_types.regexp: matches are not kept"],
    );
}

#[test]
fn a_key_that_is_not_there_is_told_with_its_place() {
    let value = Value::parse("test", "{scrapers: {cpus: }}").unwrap();
    let told = value.decode::<Config>().unwrap_err().to_string();
    assert!(told.contains("scrapers.cpus"), "{told}");
}

#[test]
fn what_points_are_told_apart_by_can_be_chosen_where_there_is_a_choice() {
    for (metric, switch, told) in [
        ("cpu: {metrics: {system.cpu.time", "attributes: [cpu]", "`state` has to be there"),
        ("cpu: {metrics: {system.cpu.time", "attributes: [state, core]", "core"),
        ("cpu: {metrics: {system.cpu.time", "aggregation_strategy: max", "`sum` is"),
        ("cpu: {metrics: {system.cpu.utilization", "aggregation_strategy: sum", "`avg` is"),
        ("memory: {metrics: {system.memory.usage", "attributes: []", "transform"),
        ("memory: {metrics: {system.memory.usage", "aggregation_strategy: sum", "transform"),
    ] {
        let wrongs = wrongs(&format!("{{scrapers: {{{metric}: {{{switch}}}}}}}}}}}"));
        assert!(wrongs.len() == 1 && wrongs[0].contains(told), "{metric} {switch}: {wrongs:?}");
    }
}
