//! What the host gets for what an author asks.

use crate::bindings::tidegate::processor::types::{DropRows, Edit, RouteRows, Slice, Splice};
use crate::{CellId, Edits, Level, RouteId};

#[test]
fn rows_that_touch_and_go_the_same_way_are_one_range() {
    let mut edits = Edits::default();
    for row in [0, 1, 3] {
        edits.route_rows(Level::Item, row..row + 1, RouteId(0));
    }
    edits.route_rows(Level::Item, 4..5, RouteId(1));
    for row in [7, 8] {
        edits.drop_rows(Level::Event, row..row + 1);
    }
    edits.drop_rows(Level::Link, 9..10);
    let route = |first_row, end_row, route| Edit::Route(RouteRows { level: Level::Item, first_row, end_row, route });
    let drop = |level, first_row, end_row| Edit::Drop(DropRows { level, first_row, end_row });
    assert_eq!(
        edits.into_script().edits,
        [route(0, 2, 0), route(3, 4, 0), route(4, 5, 1), drop(Level::Event, 7, 9), drop(Level::Link, 9, 10)]
    );
}

#[test]
fn text_that_was_put_by_is_written_once() {
    let mut edits = Edits::default();
    let stars = edits.text("****");
    edits.splice(CellId(1), 0..2, stars);
    edits.splice(CellId(1), 4..6, "x");
    edits.splice(CellId(2), 0..2, stars);
    let script = edits.into_script();
    assert_eq!(script.text, b"****x");
    let splice = |cell, start, end, with| Edit::Splice(Splice { cell, start, end, with });
    let stars = Slice { start: 0, end: 4 };
    assert_eq!(
        script.edits,
        [splice(1, 0, 2, stars), splice(1, 4, 6, Slice { start: 4, end: 5 }), splice(2, 0, 2, stars)]
    );
}
