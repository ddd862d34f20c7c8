//! Tests of what stands in `within`: its promises, one sentence each.

use host_otlp::Signal;
use proptest::prelude::{prop_assert_eq, proptest};

use crate::testing::{array, logs, map, naive, pair, payload, plan, project, record, strategy, text};
use crate::{Batch, Column, Edit, Part, Script, Unmetered, Values};

/// For each cell the keys that it is within, outermost first.
fn nested(batch: &Batch) -> Vec<String> {
    let keys = batch.columns.iter().find(|column| column.part == Part::Key).expect("there are keys");
    let Values::Text(names) = &keys.values else { panic!("keys are text") };
    let chain = |within: u32| {
        let around = |within: &u32| Some(keys.within[*within as usize - 1]).filter(|outer| *outer > 0);
        let chain = std::iter::successors(Some(within).filter(|within| *within > 0), around);
        let names: Vec<_> = chain.map(|at| String::from_utf8_lossy(naive::piece(names, at as usize - 1))).collect();
        names.into_iter().rev().collect::<Vec<_>>().join(".")
    };
    batch.columns.iter().flat_map(|column| &column.within).map(|within| chain(*within)).collect()
}

fn twice(once: &[&str]) -> Vec<String> {
    [once, once].concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn each_cell_tells_the_nearest_key_around_it_that_crossed_over() {
    let inner = || map(vec![pair("x", text("1")), pair("xx", array(vec![text("2"), map(vec![pair("x", text("3"))])]))]);
    let attributes = vec![pair("x", inner()), pair("y", inner()), pair("z", text("4"))];
    let records = vec![record(text(""), attributes.clone()), record(text(""), attributes)];
    let payload = payload(Signal::Logs, &logs(vec![], records));
    let mut plan = plan(&["log.attributes[**]"], &[]);

    let values = twice(&["x.x", "x.xx", "x.xx.x", "y.x", "y.xx", "y.xx.x", "z"]);
    let keys = twice(&["", "x", "x", "x.xx", "", "y", "y", "y.xx", ""]);
    assert_eq!(nested(&project(&plan, &payload).batch), [values, keys].concat());

    plan.reads[0].patterns = vec!["^(xx|[1-4])$".to_owned()];
    let values = twice(&["", "xx", "xx", "", "xx", "xx", ""]);
    assert_eq!(nested(&project(&plan, &payload).batch), [values, twice(&["", ""])].concat());

    plan.reads[0].patterns = vec!["^[1-4]$".to_owned()];
    let batch = project(&plan, &payload).batch;
    assert!(batch.columns.iter().all(|column| column.within.is_empty()), "no key is among the cells");
}

/// Whether the cell at `at` of a column is within the key at `outer`.
fn is_within(keys: &Column, outer: usize, column: &Column, at: usize) -> bool {
    let mut within = column.within[at];
    while within > 0 && within as usize - 1 != outer {
        within = keys.within[within as usize - 1];
    }
    within > 0
}

proptest! {
    #[test]
    fn what_a_key_takes_along_is_just_what_is_within_it(request in strategy::logs()) {
        let payload = payload(Signal::Logs, &request);
        let paths = ["resource.attributes[**]", "log.body[**]", "log.attributes[**]"];
        let plan = plan(&paths, &paths);
        let batch = project(&plan, &payload).batch;
        for keys in batch.columns.iter().filter(|column| column.part == Part::Key) {
            let beside = batch.columns.iter().filter(|column| column.read == keys.read);
            let cells = beside.flat_map(|column| (0..column.rows.len()).map(move |at| (column, at)));
            let pairs = (0..keys.rows.len()).flat_map(|key| cells.clone().map(move |cell| (key, cell)));
            for (key, (column, at)) in pairs.take(300) {
                let (outer, inner) = (keys.first_cell + key as u32, column.first_cell + at as u32);
                if outer == inner {
                    continue;
                }
                let edits = vec![Edit::Remove { cell: outer }, Edit::Remove { cell: inner }];
                let refused = project(&plan, &payload).apply(&Script { edits, text: vec![] }, &mut Unmetered).is_err();
                let is_key = column.part == Part::Key;
                let nested = is_within(keys, key, column, at) || (is_key && is_within(keys, at, keys, key));
                prop_assert_eq!(refused, nested, "{} and {}", outer, inner);
            }
        }
    }
}
