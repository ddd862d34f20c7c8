//! The count, where a sender claims ever new values.

use host_component::Subject;
use host_identity::{Config, Names, Rule, Source, Violation};
use host_telemetry::Metrics;

use super::{LONGEST, VALUES, Violations};

#[test]
fn what_a_sender_claims_makes_a_bounded_number_of_series() {
    let rule = Rule { of: "*".to_owned(), clusters: vec!["a".to_owned()], ..Rule::default() };
    let config = Config { from: vec![Source::Dns], rules: vec![rule], ..Config::default() };
    let names = ["edge".to_owned()];
    let speaker = config.build("identity").unwrap().speaker(&Names { dns: &names, ..Names::default() }).unwrap();
    let metrics = Metrics::new();
    let violations = Violations::new("otlp", &metrics);
    for number in 0..100 {
        let claimed = format!("{number}{}", "é".repeat(200));
        violations.note(&speaker, &Violation { subject: Subject::Cluster, claimed: Some(&claimed) });
    }
    violations.note(&speaker, &Violation { subject: Subject::Role, claimed: None });
    let series = metrics.totals("tidegate_identity_violations", "claimed");
    assert_eq!(series.len(), VALUES + 1);
    assert_eq!(series["(other)"], 100 - VALUES as u64 + 1);
    assert!(series.keys().all(|claimed| claimed.len() <= LONGEST));
}
