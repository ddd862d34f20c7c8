//! What the quickstart has delivered, read back from its files of OTLP/JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// An attribute that the quickstart puts on every resource.
const LABEL: &str = "cluster.id";
const GROUPS: [[&str; 3]; 3] = [
    ["resourceLogs", "scopeLogs", "logRecords"],
    ["resourceSpans", "scopeSpans", "spans"],
    ["resourceMetrics", "scopeMetrics", "metrics"],
];
/// The kinds of a metric's data, each of which holds its points.
const POINTS: [&str; 5] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

/// The content of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) items: u64,
    pub(crate) unlabeled_resources: u64,
    /// How often the mask was put in the place of something.
    pub(crate) masks: u64,
    /// E-mail addresses that nobody took out, a few at most.
    pub(crate) addresses: Vec<String>,
}

impl Delivered {
    pub(crate) fn read(path: &Path) -> Result<Delivered> {
        let mut delivered = Delivered::default();
        for line in BufReader::new(File::open(path).with_context(|| path.display().to_string())?).lines() {
            delivered.add(&line?).with_context(|| path.display().to_string())?;
        }
        Ok(delivered)
    }

    pub(crate) fn add(&mut self, line: &str) -> Result<()> {
        let request: Value = serde_json::from_str(line).context("a line that is no JSON")?;
        for [outer, inner, leaf] in GROUPS {
            for group in list(&request, outer) {
                let labeled = list(&group["resource"], "attributes").iter().any(|attribute| attribute["key"] == LABEL);
                self.unlabeled_resources += u64::from(!labeled);
                let parts = list(group, inner).iter();
                self.items += parts.flat_map(|part| list(part, leaf)).map(items).sum::<u64>();
            }
        }
        self.masks += line.matches("****").count() as u64;
        let room = 5usize.saturating_sub(self.addresses.len());
        self.addresses.extend(addresses(line).take(room).map(str::to_owned));
        Ok(())
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// One, or the points of a metric.
fn items(leaf: &Value) -> u64 {
    let points = POINTS.iter().find_map(|kind| leaf.get(*kind));
    points.map_or(1, |data| list(data, "dataPoints").len() as u64)
}

/// Words of the form `name@host.tld`.
fn addresses(line: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '%' | '@');
    line.split(move |c| !is_word(c)).filter(|word| {
        let (name, host) = word.split_once('@').unwrap_or_default();
        !name.is_empty() && host.split_once('.').is_some_and(|(domain, top)| !domain.is_empty() && top.len() > 1)
    })
}
