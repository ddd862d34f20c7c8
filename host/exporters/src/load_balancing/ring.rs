//! The ring says which backend a key belongs to: a circle of positions, of which each backend has some, and a key belongs to
//! whose position comes next. When a backend goes, its keys move, and hardly any other.
//!
//! Positions are those of the Collector from 0.157 on, so that senders of both kinds agree: the CRC-32 (IEEE) of a backend's
//! address and a number behind it, and that of a key, each modulo the size of the circle. Where a position is taken already, the
//! next free one of a few is.

/// Positions of the circle.
const CIRCLE: u32 = 131_071;
/// How many positions a backend has.
const POINTS: u32 = 200;
/// How many positions behind one that is taken are tried; where none is free, the backend has a position less.
const TRIES: u32 = 10;

/// Who is responsible for which positions. Backends are known by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    /// Each position that somebody has, in order, and who has it.
    points: Vec<(u32, u32)>,
}

/// A position that a backend wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wish<'a> {
    position: u32,
    hash: u32,
    address: &'a str,
    backend: u32,
}

impl Ring {
    /// A ring of these addresses, whatever their order.
    pub(crate) fn of<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let mut wishes: Vec<Wish<'a>> = Vec::new();
        for (backend, address) in (0..).zip(addresses) {
            wishes.extend((0..POINTS).map(|number| {
                let hash = hash(&[address.as_bytes(), &number.to_le_bytes()]);
                Wish { position: hash % CIRCLE, hash, address, backend }
            }));
        }
        wishes.sort_unstable();
        let mut is_taken = vec![false; CIRCLE as usize];
        let mut points = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let mut tried = (0..TRIES).map(|further| (wish.position + further) % CIRCLE);
            if let Some(position) = tried.find(|position| !is_taken[*position as usize]) {
                is_taken[position as usize] = true;
                points.push((position, wish.backend));
            }
        }
        points.sort_unstable();
        Ring { points }
    }

    /// Who is responsible for a key; 0 where nobody is there.
    pub(crate) fn backend_of(&self, key: &[u8]) -> u32 {
        self.owner(hash(&[key]) % CIRCLE).unwrap_or(0)
    }

    /// Who has the next position.
    fn owner(&self, wanted: u32) -> Option<u32> {
        let next = self.points.partition_point(|(position, _)| *position < wanted);
        self.points.get(next).or(self.points.first()).map(|(_, backend)| *backend)
    }
}

fn hash(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

#[cfg(test)]
mod tests;
