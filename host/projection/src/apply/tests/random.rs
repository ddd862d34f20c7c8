//! Random scripts: what is accepted says the same as naive edits of decoded structs, and nothing panics.

use std::collections::HashMap;

use host_otlp::Signal;
use host_otlp::schema::Message as Schema;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use prost::Message;

use crate::testing::naive::{self, Change, READS};
use crate::testing::{Logs, checked, decoded, odd, plan, project, strategy, strings};
use crate::{Edit, EditError, EditFault, Level, Mode, Plan, Script, Slice, Unmetered, Value};

/// What a random edit does to the cell that its number leads to.
#[derive(Clone, Debug)]
enum Wish {
    Splice(u32, u32, String),
    Text(String),
    Signed(i64),
    Boolean(bool),
    Remove,
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        3 => (any::<u32>(), any::<u32>(), strategy::short()).prop_map(|(start, len, with)| Wish::Splice(start, len, with)),
        1 => strategy::short().prop_map(Wish::Text),
        1 => any::<i64>().prop_map(Wish::Signed),
        1 => any::<bool>().prop_map(Wish::Boolean),
        1 => Just(Wish::Remove),
    ]
}

fn writes() -> Plan {
    let mut plan = plan(&READS, &READS);
    plan.writes.extend(strings(&["drop", "route"]));
    plan.routes = strings(&["one", "two"]);
    plan
}

/// The nearest character's boundary at or before `at`.
fn boundary(text: &str, at: u32) -> u32 {
    let mut at = at as usize % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at as u32
}

/// One wish of one cell as an edit, and what the cell then is.
fn granted(cell: u32, value: &Any, key: bool, wish: &Wish, script: &mut Script) -> Option<Change> {
    let mut slice = |bytes: &[u8]| {
        let start = script.text.len() as u32;
        script.text.extend_from_slice(bytes);
        Slice { start, end: script.text.len() as u32 }
    };
    let (edit, change) = match (wish, value) {
        (Wish::Splice(start, len, with), Any::StringValue(text)) => {
            let start = boundary(text, *start);
            let end = start + boundary(&text[start as usize..], *len);
            let mut new = text.clone();
            new.replace_range(start as usize..end as usize, with);
            (Edit::Splice { cell, start, end, with: slice(with.as_bytes()) }, Change::Set(Any::StringValue(new)))
        }
        (Wish::Splice(start, len, with), Any::BytesValue(bytes)) => {
            let start = *start as usize % (bytes.len() + 1);
            let end = start + *len as usize % (bytes.len() - start + 1);
            let mut new = bytes.clone();
            new.splice(start..end, with.bytes());
            let edit = Edit::Splice { cell, start: start as u32, end: end as u32, with: slice(with.as_bytes()) };
            (edit, Change::Set(Any::BytesValue(new)))
        }
        (Wish::Text(text), _) => {
            let value = Value::Text(slice(text.as_bytes()));
            (Edit::Replace { cell, value }, Change::Set(Any::StringValue(text.clone())))
        }
        (Wish::Signed(number), _) if !key => {
            (Edit::Replace { cell, value: Value::Signed(*number) }, Change::Set(Any::IntValue(*number)))
        }
        (Wish::Boolean(truth), _) if !key => {
            (Edit::Replace { cell, value: Value::Boolean(*truth) }, Change::Set(Any::BoolValue(*truth)))
        }
        (Wish::Remove, _) => (Edit::Remove { cell }, Change::Remove),
        _ => return None,
    };
    script.edits.push(edit);
    Some(change)
}

/// Removing a pair by its key takes what is in it along, also what is edited there.
fn is_overlap(error: &EditError) -> bool {
    matches!(error, EditError::Edit { fault: EditFault::Overlap { .. }, .. })
}

fn same_edits(
    request: &Logs,
    bytes: Vec<u8>,
    wishes: &[(u32, Wish)],
) -> Result<(), proptest::test_runner::TestCaseError> {
    let projection = project(&writes(), &checked(Signal::Logs, bytes));
    let cells = naive::cells(&projection.batch);
    // The naive reading meets the cells in the order of the payload; the batch has them by column.
    let mut order = Vec::new();
    naive::visit(&mut request.clone(), &mut |cell| {
        order.push((cell.read, naive::slot(&cell)));
        Change::Keep
    });
    let mut by_column: Vec<usize> = (0..order.len()).collect();
    by_column.sort_by_key(|&at| order[at]);
    prop_assert_eq!(by_column.len(), cells.len());
    let mut script = Script::default();
    let mut changes = HashMap::new();
    if !cells.is_empty() {
        for (at, wish) in wishes {
            let at = *at as usize % cells.len();
            let (number, cell) = &cells[at];
            let fixed = cell.part == crate::Part::Key || READS[cell.read].ends_with(['e', 't']);
            if !changes.contains_key(&by_column[at])
                && let Some(change) = granted(*number, &cell.value, fixed, wish, &mut script)
            {
                changes.insert(by_column[at], change);
            }
        }
    }
    let mut wanted = request.clone();
    let mut met = 0;
    naive::visit(&mut wanted, &mut |_| {
        met += 1;
        changes.get(&(met - 1)).cloned().unwrap_or(Change::Keep)
    });
    match projection.apply(&script, &mut Unmetered) {
        Ok(routed) => {
            prop_assert_eq!(routed.len(), 1);
            super::counted(&routed[0].payload);
            prop_assert_eq!(decoded::<Logs>(&routed[0].payload), wanted);
        }
        Err(error) => prop_assert!(is_overlap(&error), "{}", error),
    }
    Ok(())
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Origin), Just(Level::Scope), Just(Level::Item), Just(Level::Event), Just(Level::Metric)]
}

fn small_slice() -> impl Strategy<Value = Slice> {
    (0..24u32, 0..24u32).prop_map(|(start, end)| Slice { start, end })
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let value = || {
        prop_oneof![
            small_slice().prop_map(Value::Text),
            small_slice().prop_map(Value::Bytes),
            any::<i64>().prop_map(Value::Signed),
            any::<f64>().prop_map(Value::Double),
            any::<bool>().prop_map(Value::Boolean),
        ]
    };
    let mode = prop_oneof![Just(Mode::Upsert), Just(Mode::Insert), Just(Mode::Update)];
    prop_oneof![
        (0..30u32, 0..9u32, 0..9u32, small_slice()).prop_map(|(cell, start, end, with)| Edit::Splice {
            cell,
            start,
            end,
            with
        }),
        (0..30u32, value()).prop_map(|(cell, value)| Edit::Replace { cell, value }),
        (0..30u32).prop_map(|cell| Edit::Remove { cell }),
        (0..9u32, 0..4u32, 0..4u32, small_slice(), value(), mode).prop_map(
            |(write, first_row, end_row, key, value, mode)| Edit::Upsert {
                write,
                first_row,
                end_row,
                key,
                value,
                mode
            }
        ),
        (level(), 0..4u32, 0..4u32).prop_map(|(level, first_row, end_row)| Edit::Drop { level, first_row, end_row }),
        (level(), 0..4u32, 0..4u32, 0..3u32).prop_map(|(level, first_row, end_row, route)| Edit::Route {
            level,
            first_row,
            end_row,
            route
        }),
    ]
}

proptest! {
    #[test]
    fn accepted_edits_say_the_same_as_naive_ones(
        request in strategy::logs(),
        wishes in vec((any::<u32>(), wish()), 0..6),
    ) {
        same_edits(&request, request.encode_to_vec(), &wishes)?;
    }

    #[test]
    fn accepted_edits_of_odd_encodings_do_so_too(
        request in strategy::logs(),
        wishes in vec((any::<u32>(), wish()), 0..6),
    ) {
        let bytes = odd::scrambled(Schema::request(Signal::Logs), &request.encode_to_vec());
        let seen = Logs::decode(bytes.as_slice()).unwrap();
        same_edits(&seen, bytes, &wishes)?;
    }

    #[test]
    fn random_scripts_neither_panic_nor_corrupt(
        request in strategy::logs(),
        edits in vec(any_edit(), 0..5),
        text in "[a-zé]{0,24}",
    ) {
        let payload = checked(Signal::Logs, request.encode_to_vec());
        let script = Script { edits, text: text.into_bytes() };
        if let Ok(routed) = project(&writes(), &payload).apply(&script, &mut Unmetered) {
            for routed in &routed {
                super::counted(&routed.payload);
                decoded::<Logs>(&routed.payload);
            }
            if !script.edits.iter().any(|edit| matches!(edit, Edit::Drop { .. })) {
                let items = routed.iter().map(|routed| routed.payload.items()).sum::<u64>();
                prop_assert_eq!(items, payload.items());
            }
        }
    }
}
