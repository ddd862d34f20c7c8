//! The cells of a read, row by row.

use tidegate_sdk::{Batch, Cell, Cells, ReadId};

/// Cells in the order of their rows.
pub struct ByRow<'b> {
    cells: Cells<'b>,
    next: Option<Cell<'b>>,
}

impl<'b> ByRow<'b> {
    /// The cells of a read.
    pub fn new(batch: &Batch<'b>, read: ReadId) -> ByRow<'b> {
        let mut cells = batch.cells(read);
        let next = cells.next();
        ByRow { cells, next }
    }

    /// The next cell of this row; rows are asked for in their order.
    pub fn of(&mut self, row: u32) -> Option<Cell<'b>> {
        while self.next.as_ref()?.row() < row {
            self.next = self.cells.next();
        }
        if self.next.as_ref()?.row() != row {
            return None;
        }
        std::mem::replace(&mut self.next, self.cells.next())
    }
}
