//! The batch as an author reads it, over columns packed by hand.

use crate::bindings::tidegate::processor::types;
use crate::{Batch, Cut, Level, Part, PatternMatch, ReadId, Signal, Value};

fn packed(parts: &[&str]) -> types::Packed {
    let mut packed = types::Packed { bytes: Vec::new(), ends: Vec::new() };
    for part in parts {
        packed.bytes.extend_from_slice(part.as_bytes());
        packed.ends.push(packed.bytes.len() as u32);
    }
    packed
}

fn column(read: u32, first_cell: u32, rows: &[u32], keys: &[u32], values: types::Values) -> types::Column {
    types::Column {
        read,
        part: Part::Value,
        first_cell,
        rows: rows.to_vec(),
        keys: keys.to_vec(),
        within: Vec::new(),
        values,
        matches: Vec::new(),
    }
}

fn rows(level: Level, parents: &[u32]) -> types::Rows {
    types::Rows { level, count: parents.len() as u32, parents: parents.to_vec() }
}

/// Two resources; the second has two scopes; five log records.
fn batch(columns: Vec<types::Column>) -> types::Batch {
    let origin = types::Rows { level: Level::Origin, count: 2, parents: Vec::new() };
    types::Batch {
        signal: Signal::Logs,
        levels: vec![origin, rows(Level::Scope, &[0, 1, 1]), rows(Level::Item, &[0, 0, 1, 2, 2])],
        dictionary: packed(&["user", "count"]),
        columns,
    }
}

#[test]
fn cells_of_a_read_come_by_row_whatever_their_type() {
    let batch = batch(vec![
        column(0, 0, &[0, 2, 2], &[0, 0, 0], types::Values::Text(packed(&["ada", "", "bo"]))),
        column(1, 3, &[1], &[], types::Values::Boolean(vec![true])),
        column(0, 4, &[1, 4], &[1, 1], types::Values::Signed(vec![7, -1])),
    ]);
    let seen: Vec<_> =
        Batch::new(&batch).cells(ReadId(0)).map(|cell| (cell.id().0, cell.row(), cell.key(), cell.value())).collect();
    assert_eq!(
        seen,
        [
            (0, 0, Some("user"), Value::Text("ada")),
            (4, 1, Some("count"), Value::Signed(7)),
            (1, 2, Some("user"), Value::Text("")),
            (2, 2, Some("user"), Value::Text("bo")),
            (5, 4, Some("count"), Value::Signed(-1)),
        ]
    );
}

#[test]
fn each_cell_has_its_own_matches() {
    let found = |index, start| PatternMatch { index, pattern: 0, start, end: start + 1 };
    let mut text = column(0, 0, &[0, 1, 2], &[], types::Values::Text(packed(&["aa", "bb", "cc"])));
    text.matches = vec![found(0, 0), found(0, 1), found(2, 1)];
    let batch = batch(vec![text]);
    let seen: Vec<Vec<u32>> = Batch::new(&batch)
        .cells(ReadId(0))
        .map(|cell| cell.matches().iter().flat_map(PatternMatch::range).collect())
        .collect();
    assert_eq!(seen, [vec![0, 1], vec![], vec![1]]);
}

#[test]
fn rows_know_what_they_are_in() {
    let packed = batch(Vec::new());
    let batch = Batch::new(&packed);
    assert_eq!(batch.count(Level::Item), 5);
    assert_eq!(batch.count(Level::Event), 0);
    assert_eq!(batch.parent(Level::Item, 3), Some(2));
    assert_eq!(batch.parent(Level::Origin, 0), None);
    assert_eq!(batch.ancestors(Level::Item, Level::Origin), Some(vec![0, 0, 1, 1, 1]));
    assert_eq!(batch.ancestors(Level::Scope, Level::Scope), Some(vec![0, 1, 2]));
    assert_eq!(batch.ancestors(Level::Origin, Level::Item), None);
}

#[test]
fn columns_that_contradict_themselves_are_read_as_far_as_they_go() {
    let lying = types::Values::Text(types::Packed { bytes: b"ab\xff".to_vec(), ends: vec![2, 3, 90] });
    let batch = batch(vec![column(0, 0, &[0, 1, 2, 3], &[9, 9, 9, 9], lying)]);
    let seen: Vec<_> = Batch::new(&batch).cells(ReadId(0)).map(|cell| (cell.key(), cell.text())).collect();
    assert_eq!(seen, [(None, Some("ab")), (None, None), (None, None), (None, None)]);
}

#[test]
fn a_cut_takes_what_is_within_its_keys_and_is_made_by_the_outermost() {
    // `a { b { c: "1" }, d: "2" }, c: "3"`
    let mut keys = column(0, 3, &[0; 5], &[0; 5], types::Values::Text(packed(&["a", "b", "c", "d", "c"])));
    (keys.part, keys.within) = (Part::Key, vec![0, 1, 2, 1, 0]);
    let mut values = column(0, 0, &[0; 3], &[0; 3], types::Values::Text(packed(&["1", "2", "3"])));
    values.within = vec![3, 4, 5];
    let batch = batch(vec![values, keys]);
    let batch = Batch::new(&batch);
    let [values, keys] = [0, 1].map(|at| batch.columns(ReadId(0)).nth(at).unwrap());
    for (taken, covered, outermost) in [
        (&["c"] as &[&str], "13 c c", "c c"),
        (&["b", "c"], "13 b c c", "b c"),
        (&["a", "c"], "123 a b c d c", "a c"),
        (&["d"], "2 d", "d"),
        (&[], "", ""),
    ] {
        let cut = Cut::new(&batch, ReadId(0), |key| taken.contains(&keys.text(key).unwrap()));
        let texts = |column: crate::Column<'_>| -> Vec<String> {
            let covered = (0..column.len()).filter(|at| cut.covers(column, *at));
            covered.map(|at| column.text(at).unwrap().to_owned()).collect()
        };
        let seen = [vec![texts(values).concat()], texts(keys)].concat().join(" ");
        assert_eq!(seen.trim(), covered, "{taken:?}");
        let outer = (0..keys.len()).filter(|key| cut.is_outermost(*key)).map(|key| keys.text(key).unwrap());
        assert_eq!(outer.collect::<Vec<_>>().join(" "), outermost, "{taken:?}");
    }
}

#[test]
fn matches_that_overlap_are_one_part_and_those_that_touch_are_two() {
    let found = |start, end, pattern| PatternMatch { index: 0, pattern, start, end };
    let mut texts = column(0, 0, &[0], &[], types::Values::Text(packed(&["0123456789"])));
    texts.matches = vec![found(0, 2, 0), found(2, 5, 0), found(3, 7, 1), found(4, 6, 2), found(8, 9, 0)];
    let batch = batch(vec![texts]);
    let cell = Batch::new(&batch).cells(ReadId(0)).next().expect("there is one");
    assert_eq!(cell.parts().collect::<Vec<_>>(), [0..2, 2..7, 8..9]);
    assert_eq!(cell.contents(), b"0123456789");
}
