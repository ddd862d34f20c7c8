//! What fuzz targets ask: readers of foreign bytes and rules, without a target or a pipeline.

use std::sync::Arc;

use host_config::Value;

use crate::config::RelabelConfig;
use crate::exposition::protobuf::Families;
use crate::exposition::text::{Format, Reader};
use crate::labels::Labels;
use crate::relabel::Rules;
use crate::table::{Reading, Report, Subject, Table};

/// The form of what is exposed.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Text,
    OpenMetrics,
    Protobuf,
}

/// How many points two scrapes of the same bytes become, or none where they are refused.
pub fn scraped_twice(form: Form, bytes: &[u8]) -> (Option<u64>, Option<u64>) {
    let reading =
        Reading { honor_timestamps: true, native_histograms: true, classic_histograms: true, ..Reading::default() };
    let labels = [("instance", "a:1"), ("job", "fuzz")].into_iter().collect();
    let mut table = Table::new(Arc::new(reading), Subject { labels, ..Subject::default() });
    let mut scrape = || {
        table.begin();
        let is_read = read(&mut table, form, bytes).is_some();
        let report = Report::default();
        let written = if is_read { table.finish(&report) } else { table.fail(&report) };
        is_read.then(|| written.payloads.iter().map(host_otlp::Payload::items).sum())
    };
    (scrape(), scrape())
}

fn read(table: &mut Table, form: Form, bytes: &[u8]) -> Option<()> {
    let format = match form {
        Form::Text => Format::Prometheus,
        Form::OpenMetrics => Format::OpenMetrics,
        Form::Protobuf => {
            for family in Families::new(bytes) {
                table.family(&family.ok()?).ok()?;
            }
            return Some(());
        }
    };
    for event in Reader::new(std::str::from_utf8(bytes).ok()?, format) {
        table.take_event(event.ok()?).ok()?;
    }
    Some(())
}

/// What rules, as YAML, make of labels, which are lines of `name=value`; nothing where the rules are none, or leave them out.
pub fn relabeled(rules: &str, labels: &str) -> Option<Vec<(String, String)>> {
    let configs: Vec<RelabelConfig> = Value::parse("rules", rules).ok()?.decode().ok()?;
    if configs.iter().any(|config| !config.wrongs().is_empty()) {
        return None;
    }
    let rules = Rules::new(&configs).ok()?;
    let mut labels: Labels = labels.lines().filter_map(|line| line.split_once('=')).collect();
    let kept = rules.apply(&mut labels);
    kept.then(|| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
