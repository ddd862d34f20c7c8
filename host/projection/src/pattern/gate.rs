//! A gate tells cells in which a pattern may match from those in which it cannot, by bytes that every match holds.
//!
//! A payment card has digits, an e-mail address an `@`. A cell without any of those is left alone after a few vector
//! instructions, which is what most cells cost. Gates only rule out: what passes is still searched.

mod need;

use super::Source;
use super::bytes::Bytes;

/// The gates of the patterns of one read.
#[derive(Debug)]
pub(super) struct Gate {
    /// A cell without any of these holds no match; none where that cannot be said.
    any: Option<Bytes>,
    /// Bytes of the shortest match.
    shortest: usize,
    /// For each pattern sets of which a match holds each.
    alone: Vec<Vec<Bytes>>,
}

/// Which bytes of a short piece of text are of those that a match holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    start: usize,
    /// Bit `n`: the one `n` bytes behind the start.
    bits: u64,
}

/// Sets that are looked for on behalf of one pattern.
const NEEDS: usize = 2;

impl Gate {
    pub(super) fn new(sources: &[Source<'_>]) -> Gate {
        let needs: Vec<Vec<Bytes>> = sources.iter().map(|source| need::of(&source.hir)).collect();
        let shortest =
            sources.iter().map(|source| source.hir.properties().minimum_len().unwrap_or(0)).min().unwrap_or(0);
        let any = first_question(&needs);
        let alone = needs.into_iter().map(|needs| needs.into_iter().take(NEEDS).collect()).collect();
        Gate { any, shortest, alone }
    }

    /// Whether any pattern may match in `start..end` of `buf`.
    #[inline]
    pub(super) fn passes(&self, buf: &[u8], start: usize, end: usize) -> bool {
        end - start >= self.shortest && self.any.as_ref().is_none_or(|bytes| bytes.any(buf, start, end))
    }

    /// The signs of `start..end` of `buf`, where that is short.
    #[inline]
    pub(super) fn signs(&self, buf: &[u8], start: usize, end: usize) -> Option<Signs> {
        let bytes = self.any.as_ref().filter(|_| end - start < u64::BITS as usize)?;
        Some(Signs { start, bits: bytes.hits(buf, start, end) })
    }

    /// Whether any pattern may match in `start..end`, which lies within what the signs are of.
    #[inline]
    pub(super) fn passes_by(&self, signs: Signs, start: usize, end: usize) -> bool {
        let bits = signs.bits >> (start - signs.start) & ((1 << (end - start)) - 1);
        end - start >= self.shortest && bits != 0
    }

    /// Whether one pattern may match there.
    pub(super) fn passes_alone(&self, pattern: u32, buf: &[u8], start: usize, end: usize) -> bool {
        self.alone[pattern as usize].iter().all(|bytes| bytes.any(buf, start, end))
    }
}

/// Chooses one set for each pattern so that little of ordinary text is in any of them.
fn first_question(needs: &[Vec<Bytes>]) -> Option<Bytes> {
    let mut order: Vec<&Vec<Bytes>> = needs.iter().collect();
    let rarest = |sets: &&Vec<Bytes>| sets.iter().map(Bytes::share).fold(1.0, f64::min);
    order.sort_by(|a, b| rarest(b).total_cmp(&rarest(a)));
    let mut chosen: Vec<Bytes> = Vec::new();
    for sets in order {
        if !sets.iter().any(|set| chosen.contains(set)) {
            chosen.push(sets.iter().min_by(|a, b| a.share().total_cmp(&b.share()))?.clone());
        }
    }
    let union = Bytes::union(&chosen);
    // Letters and the like are everywhere: then the question is not worth asking.
    (union.is_small() && union.share() < 0.5).then_some(union)
}
