//! The list: a line a record, for people, or JSON.

use std::io::{self, Write as _};

use host_quarantine::{Contents, Record};
use serde_json::{Value, json};

use super::show;

/// Longer reasons are cut in the table.
const REASON: usize = 100;

const HEAD: [&str; 8] = ["ID", "TIME", "SIGNAL", "ITEMS", "BYTES", "PROCESSOR", "MODULE", "REASON"];

pub(super) fn print(contents: &Contents, as_json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match as_json {
        true => {
            let records: Vec<Value> = contents.records.iter().map(value).collect();
            writeln!(out, "{:#}", json!({ "records": records, "damaged_bytes": contents.damaged_bytes }))?;
        }
        false => out.write_all(table(&contents.records).as_bytes())?,
    }
    Ok(())
}

fn value(record: &Record) -> Value {
    let mut value = show::head(record);
    if let Some(head) = value.as_object_mut() {
        // What senders said of themselves is shown with the data, and not in a list.
        head.remove("context");
    }
    value
}

/// Columns as wide as what stands in them.
pub(super) fn table(records: &[Record]) -> String {
    let rows: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(records.iter().map(row)).collect();
    let widths: [usize; 8] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(record: &Record) -> [String; 8] {
    let poison = &record.content;
    let digest: String = poison.digest.chars().take(12).collect();
    let reason: String = poison.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect();
    [
        record.id.clone(),
        show::time(poison.time),
        poison.signal.to_string(),
        poison.items.to_string(),
        poison.payload.len().to_string(),
        format!("{} in {}", poison.processor, poison.pipeline),
        format!("{}@{digest}", poison.module),
        reason,
    ]
}
