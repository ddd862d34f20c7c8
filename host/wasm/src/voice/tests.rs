//! Tests of what stands in `voice`: its promises, one sentence each.

use host_telemetry::Metrics;

use super::{COUNTERS, LINES_PER_SECOND, Severity, Voice, cut};

#[test]
fn counts_the_lines_above_the_rate() {
    let voice = Voice::new("chatty", &Metrics::new());
    for _ in 0..LINES_PER_SECOND * 5 {
        voice.say("d1", Severity::Debug, "again");
    }
    // The loop may run into a second window on a slow machine, but not into a fifth.
    assert!(voice.lines_dropped.get() >= u64::from(LINES_PER_SECOND));
    assert!(voice.lines_dropped.get() <= u64::from(LINES_PER_SECOND) * 4);
}

#[test]
fn takes_a_bounded_number_of_counter_names_and_no_bad_ones() {
    let metrics = Metrics::new();
    let voice = Voice::new("counting", &metrics);
    voice.count("bad name", 1);
    voice.count("", 1);
    for n in 0..COUNTERS + 10 {
        voice.count(&format!("c{n}"), 2);
    }
    voice.count("c0", 3);
    assert_eq!(voice.names_dropped.get(), 12);
    assert!(metrics.render().contains(r#"tidegate_module_counter_total{module="counting",name="c0"} 5"#));
}

#[test]
fn cuts_long_lines_between_characters() {
    let line = "é".repeat(4000);
    let kept = cut(&line);
    assert!(kept.len() <= 4096 && kept.len() > 4090);
}
