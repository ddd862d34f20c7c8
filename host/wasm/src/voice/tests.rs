//! Tests of what stands in `voice`: its promises, one sentence each.

use host_telemetry::Metrics;

use super::{COUNTERS, Severity, Voice, one_line};

const RATE: u32 = 100;

#[test]
fn counts_the_lines_above_the_rate() {
    let voice = Voice::new("chatty", RATE, &Metrics::new());
    for _ in 0..RATE * 5 {
        voice.say("d1", Severity::Debug, "again");
    }
    // The loop may run into a second window on a slow machine, but not into a fifth.
    assert!(voice.lines_dropped.get() >= u64::from(RATE));
    assert!(voice.lines_dropped.get() <= u64::from(RATE) * 4);
}

#[test]
fn takes_a_bounded_number_of_counter_names_and_no_bad_ones() {
    let metrics = Metrics::new();
    let voice = Voice::new("counting", RATE, &metrics);
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
    let kept = one_line(&line, 4096);
    assert!(kept.len() <= 4096 && kept.len() > 4090);
}

#[test]
fn a_line_of_a_module_is_one_line() {
    let forged = "fine\n2026-01-01T00:00:00Z ERROR tidegate: all is lost\r\u{1b}[31m\u{2028}";
    assert_eq!(one_line(forged, 4096), "fine 2026-01-01T00:00:00Z ERROR tidegate: all is lost  [31m ");
}
