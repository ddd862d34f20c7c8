//! When a bar holds, and what the table says of it.

use std::collections::BTreeMap;

use super::collector::Peer;
use super::measure::Sample;
use super::scenario::{self, Load, Scenario, Signal, Work};
use super::table::Row;

fn sample(cpu: f64, needle: u64) -> Sample {
    let needles = BTreeMap::from([("@".to_owned(), needle)]);
    Sample { cpu_us_per_item: cpu, peak_mib: 10.0, delivered: 1.0, needles, calib_ms: 1.0 }
}

fn row(otelcol: &[Sample], tidegate: &[Sample]) -> Row {
    let scenario = Scenario { work: Work::Passthrough, load: Load::Pods, signal: Signal::Logs };
    Row::new(scenario, &BTreeMap::from([(Peer::Otelcol, otelcol.to_vec()), (Peer::Tidegate, tidegate.to_vec())]))
}

#[test]
fn a_bar_holds_by_the_medians() {
    let otelcol = [sample(6.0, 0), sample(5.9, 0), sample(90.0, 0)];
    assert!(row(&otelcol, &[sample(1.0, 0), sample(0.9, 0), sample(8.0, 0)]).holds());
    assert!(!row(&otelcol, &[sample(1.1, 0)]).holds());
}

#[test]
fn a_bar_does_not_hold_where_something_is_lost_or_differs() {
    let otelcol = [sample(9.0, 3)];
    assert!(row(&otelcol, &[sample(1.0, 3)]).holds());
    assert!(!row(&otelcol, &[Sample { delivered: 0.999, ..sample(1.0, 3) }]).holds());
    assert!(!row(&otelcol, &[Sample { delivered: 1.001, ..sample(1.0, 3) }]).holds());
    let differs = row(&otelcol, &[sample(1.0, 4)]);
    assert!(!differs.holds());
    assert!(differs.line().contains("DIFFER"));
    assert!(differs.needles_that_differ().is_some_and(|text| text.contains(r#"tidegate: {"@": 4}"#)));
}

#[test]
fn a_row_has_as_many_cells_as_the_header() {
    let cells = |line: &str| line.matches('|').count();
    let header = Row::HEADER.lines().next().map(cells);
    assert_eq!(header, Some(cells(&row(&[sample(9.0, 0)], &[sample(1.0, 0)]).line())));
}

#[test]
fn every_work_meets_every_load() {
    let names: Vec<String> = scenario::all().iter().map(Scenario::to_string).collect();
    assert_eq!(names.len(), 4 * (3 + 3 + 2 + 1) + 3);
    assert!(names.contains(&"redaction/unique-5000/traces".to_owned()));
}
