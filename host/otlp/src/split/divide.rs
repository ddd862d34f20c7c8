//! Dividing gives each item of a payload a place, and makes one payload of what goes to each: as when it is cut, what is
//! around an item goes along, and what goes as a whole is shared.

use super::tree::Tree;
use super::{Message, Payload, Run, Segment};

/// A payload whose items go to several places. A part is made when it is asked for, so that what is around many items
/// lies in memory for those parts only that are under way.
#[derive(Debug)]
pub struct Division {
    whole: Payload,
    segments: Vec<Divided>,
}

/// Where a segment goes.
#[derive(Debug)]
enum Divided {
    Whole(u32),
    /// The place of each unit of the tree.
    Apart(Tree, Vec<u32>),
}

impl Payload {
    /// Gives each item its place: `places` are as many as there are items, and in their order, which is that of the views.
    ///
    /// What holds no items goes where the item before it goes, and the one behind it where there is none before.
    ///
    /// # Panics
    /// When there are fewer places than items: no input can cause that, only a wrong count.
    #[must_use]
    pub fn divide(self, places: &[u32]) -> Division {
        let mut rest = places;
        let mut last = places.first().copied().unwrap_or(0);
        let mut segments = Vec::with_capacity(self.segments().len());
        for segment in self.segments() {
            let (own, others) = rest.split_at(segment.items() as usize);
            rest = others;
            let first = own.first().copied().unwrap_or(last);
            segments.push(match own.iter().all(|place| *place == first) {
                true => Divided::Whole(first),
                false => Divided::apart(&self, segment, own),
            });
            last = own.last().copied().unwrap_or(last);
        }
        Division { whole: self, segments }
    }
}

impl Divided {
    fn apart(whole: &Payload, segment: &Segment, own: &[u32]) -> Self {
        let tree = Tree::grow(Message::request(whole.signal()), segment.bytes());
        let mut own = own.iter().copied();
        let mut last = own.clone().next().unwrap_or(0);
        let units = tree.units.iter().map(|unit| {
            if unit.items > 0 {
                last = own.next().expect("each item of the segment has a place");
            }
            last
        });
        let places = units.collect();
        Divided::Apart(tree, places)
    }
}

impl Division {
    /// What goes to a place; it has no items where nothing does.
    #[must_use]
    pub fn part(&self, place: u32) -> Payload {
        let mut part = Payload::empty(self.whole.signal());
        for (segment, divided) in self.whole.segments().iter().zip(&self.segments) {
            match divided {
                Divided::Whole(own) if *own == place => part.push(segment.clone()),
                Divided::Whole(_) => {}
                Divided::Apart(tree, places) => {
                    let units = tree.units.iter().zip(places).filter(|(_, own)| **own == place).map(|(unit, _)| unit);
                    let mut run = Run::new(tree);
                    units.clone().for_each(|unit| run.add(unit));
                    if units.clone().next().is_some() {
                        part.push(run.write(segment.bytes(), units));
                    }
                }
            }
        }
        if self.whole.unknown_fields() > 0 {
            part.count_unknown();
        }
        part
    }
}

#[cfg(test)]
mod tests;
