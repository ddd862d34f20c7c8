//! Entropy is a string of bytes that decides what a generator makes: proptest shrinks it, a fuzzer mutates it.

/// Where there is none left every decision is the first one.
pub(crate) struct Entropy<'a>(&'a [u8]);

impl<'a> Entropy<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Entropy(bytes)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let value = usize::from(self.byte());
        if bound > 256 { (value << 8 | usize::from(self.byte())) % bound } else { value % bound }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Small, large or anything.
    pub(crate) fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => u64::from(self.byte()),
            2 => u64::MAX - u64::from(self.byte()),
            _ => (0..8).fold(0, |value, _| value << 8 | u64::from(self.byte())),
        }
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
