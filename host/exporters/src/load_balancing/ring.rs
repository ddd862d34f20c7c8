//! The ring says which backend a key belongs to: a circle of positions, of which each backend has some, and a key belongs to
//! whose position comes next. When a backend goes, its keys alone move.
//!
//! Positions are the Collector's, so that senders of both kinds agree: the CRC-32 (IEEE) of a backend's address and one byte
//! that counts, and that of a key, each modulo the size of the circle.

/// Positions of the circle: hundredths of a degree.
const CIRCLE: u32 = 36_000;
/// How many positions a backend has, where no other was there before it.
const POINTS: u8 = 100;

/// Who is responsible for which positions. Backends are known by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    /// Each position that somebody has, in order, and who has it.
    points: Vec<(u32, u32)>,
}

impl Ring {
    /// A ring of these addresses. Where two want the same position it is the first one's, so that senders agree only where
    /// they give them in the same order: sorted.
    pub(crate) fn of<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let mut points: Vec<(u32, u32)> = Vec::new();
        for (backend, address) in (0..).zip(addresses) {
            points.extend((0..POINTS).map(|count| (position(&[address.as_bytes(), &[count]]), backend)));
        }
        // The first of those with the same position stays, since the sort is stable.
        points.sort_by_key(|(position, _)| *position);
        points.dedup_by_key(|(position, _)| *position);
        Ring { points }
    }

    /// Who is responsible for a key; 0 where nobody is there.
    pub(crate) fn backend_of(&self, key: &[u8]) -> u32 {
        self.owner(position(&[key])).unwrap_or(0)
    }

    /// Who has the next position.
    fn owner(&self, wanted: u32) -> Option<u32> {
        let next = self.points.partition_point(|(position, _)| *position < wanted);
        self.points.get(next).or(self.points.first()).map(|(_, backend)| *backend)
    }
}

fn position(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize() % CIRCLE
}

#[cfg(test)]
mod tests;
