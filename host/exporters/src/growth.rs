//! Growth is how much larger a delivery may become when it is said in a backend's form.
//!
//! There a resource is said again with each of its records, so that a small request with a large resource and many records
//! would become one of any size. What is beyond the bound is left out as [`LeftOut::TOO_MUCH_REPEATED`].
//!
//! [`LeftOut::TOO_MUCH_REPEATED`]: crate::left_out::LeftOut::TOO_MUCH_REPEATED

use host_otlp::Payload;

/// What any delivery may become, and beyond that how many times its own size.
const FREE: usize = 8 << 20;
const TIMES: usize = 16;

/// The bytes that a delivery may still become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth(usize);

impl Growth {
    pub(crate) fn of(payload: &Payload) -> Self {
        Growth(payload.len().saturating_mul(TIMES).max(FREE))
    }

    /// Whether there is room for so many bytes, or for what may be the last where that is not known.
    pub(crate) fn has(self, bytes: usize) -> bool {
        self.0 > 0 && bytes <= self.0
    }

    pub(crate) fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }
}
