//! The list: a line a queue, for people, or JSON.

use std::io::{self, Write as _};

use host_queue::offline::Found;
use serde_json::{Value, json};

use crate::quarantine::time;

const HEAD: [&str; 8] = ["QUEUE", "EXPORTER", "REQUESTS", "ITEMS", "BYTES", "OLDEST", "DEAD", "HELD BY"];

pub(super) fn print(queues: &[Found], as_json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match as_json {
        true => {
            let queues: Vec<Value> = queues.iter().map(value).collect();
            writeln!(out, "{:#}", json!({ "queues": queues }))?;
        }
        false => out.write_all(table(queues).as_bytes())?,
    }
    Ok(())
}

fn value(queue: &Found) -> Value {
    json!({
        "queue": queue.name,
        "folder": queue.folder,
        "exporter": queue.exporter,
        "requests": queue.usage.records,
        "items": queue.usage.items,
        "bytes": queue.usage.bytes,
        "disk_bytes": queue.usage.disk,
        "damaged_bytes": queue.damaged,
        "oldest": queue.oldest.map(time),
        "dead_letters": queue.letters,
        "held_by": queue.holder,
    })
}

/// Columns as wide as what stands in them.
fn table(queues: &[Found]) -> String {
    let rows: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(queues.iter().map(row)).collect();
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

fn row(queue: &Found) -> [String; 8] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        queue.name.clone(),
        or_none(queue.exporter.clone()),
        queue.usage.records.to_string(),
        queue.usage.items.to_string(),
        queue.usage.bytes.to_string(),
        or_none(queue.oldest.map(time)),
        queue.letters.to_string(),
        or_none(queue.holder.clone()),
    ]
}
