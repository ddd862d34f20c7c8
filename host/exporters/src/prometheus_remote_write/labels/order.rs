//! The order of labels by their names: a sort for the first of many sets that have the same names.

use crate::prometheus_remote_write::batch::{Label, Symbol};

/// The order of labels by their names, kept for the next ones, which have the same names mostly.
#[derive(Default)]
pub(super) struct Order {
    names: Vec<Symbol>,
    /// Where those are that come first, second and so on.
    places: Vec<usize>,
}

impl Order {
    /// Of how many labels it is kept at most.
    const MOST: usize = 64;

    /// Sets `sorted` to these labels in their order; false where it is not known.
    pub(super) fn arrange(&self, labels: &[Label], sorted: &mut Vec<Label>) -> bool {
        sorted.clear();
        let is_known =
            labels.len() == self.names.len() && labels.iter().zip(&self.names).all(|(label, name)| label.name == *name);
        if is_known {
            sorted.extend(self.places.iter().filter_map(|at| labels.get(*at)));
        }
        is_known
    }

    /// Keeps the order of labels, of which each has a name of its own.
    pub(super) fn learn(&mut self, labels: &[Label], sorted: &[Label]) {
        self.names.clear();
        self.places.clear();
        if labels.len() == sorted.len() && labels.len() <= Order::MOST {
            self.names.extend(labels.iter().map(|label| label.name));
            self.places
                .extend(sorted.iter().filter_map(|label| self.names.iter().position(|name| *name == label.name)));
        }
    }
}
