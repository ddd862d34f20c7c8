//! Makes each kind of edit, of each type of value, for a test that looks at what becomes of them.

use std::collections::BTreeMap;

use tidegate_sdk::{
    Any, Batch, Context, Edits, Error, Level, Mode, NewValue, Plan, Processor, ReadId, RouteId, Signal, Value, WriteId,
};

struct Probe(Option<Asked>);

/// What was asked for, of logs.
struct Asked {
    replaced: ReadId,
    removed: ReadId,
    numbers: ReadId,
    printed: ReadId,
    copied: ReadId,
    routed: ReadId,
    times: ReadId,
    any: WriteId,
    erased: WriteId,
    copy: WriteId,
    severity: WriteId,
    side: RouteId,
}

impl Processor for Probe {
    type Config = BTreeMap<String, Any>;

    fn configure(signal: Signal, _: Self::Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        if signal != Signal::Logs {
            return Ok((Probe(None), plan));
        }
        let asked = Asked {
            replaced: plan.read(r#"log.attributes["replaced"]"#),
            removed: plan.read(r#"log.attributes["removed"]"#),
            numbers: plan.read(r#"log.attributes["number"]"#),
            printed: plan.read_printed(r#"log.attributes["printed"]"#, [] as [&str; 0]),
            copied: plan.read_whole(r#"log.attributes["copied"]"#, [] as [&str; 0]),
            routed: plan.read(r#"log.attributes["routed"]"#),
            times: plan.read("log.time_unix_nano"),
            any: plan.write("log.attributes[*]"),
            erased: plan.write(r#"log.attributes["erased"]"#),
            copy: plan.write(r#"log.attributes["copy"]"#),
            severity: plan.write("log.severity_text"),
            side: plan.route("side"),
        };
        Ok((Probe(Some(asked)), plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let Some(asked) = &self.0 else { return Ok(()) };
        let rows = 0..batch.count(Level::Item);
        for cell in batch.cells(asked.replaced) {
            edits.replace(cell.id(), format!("in place of {}", cell.text().unwrap_or_default()).as_str());
        }
        for cell in batch.cells(asked.removed) {
            edits.remove(cell.id());
        }
        for cell in batch.cells(asked.numbers) {
            match cell.value() {
                Value::Boolean(truth) => edits.replace(cell.id(), !truth),
                Value::Signed(number) => edits.replace(cell.id(), number + 1),
                Value::Double(number) => edits.replace(cell.id(), number / 2.0),
                _ => {}
            }
        }
        for cell in batch.cells(asked.printed) {
            edits.replace(cell.id(), format!("<{}>", cell.text().unwrap_or_default()).as_str());
        }
        for cell in batch.cells(asked.copied) {
            let encoded = cell.value().to_any().encode();
            edits.upsert(asked.copy, cell.row()..cell.row() + 1, Mode::Upsert, NewValue::Encoded(&encoded));
        }
        for cell in batch.cells(asked.times) {
            let Value::Unsigned(time) = cell.value() else { continue };
            edits.upsert_key(asked.any, cell.row()..cell.row() + 1, "time", Mode::Upsert, time.to_string().as_str());
        }
        edits.upsert_key(asked.any, rows.clone(), "inserted", Mode::Insert, 1.5);
        edits.upsert_key(asked.any, rows.clone(), "updated", Mode::Update, true);
        edits.upsert_key(asked.any, rows.clone(), "bytes", Mode::Upsert, &[0_u8, 255][..]);
        // There is no clock in Rust's std for this target.
        edits.upsert_key(asked.any, rows.clone(), "clock", Mode::Upsert, true);
        edits.upsert(asked.severity, rows.clone(), Mode::Upsert, "PROBED");
        edits.erase(asked.erased, rows);
        for cell in batch.cells(asked.routed) {
            edits.route_rows(Level::Item, cell.row()..cell.row() + 1, asked.side);
        }
        Ok(())
    }
}

tidegate_sdk::export!(Probe);
