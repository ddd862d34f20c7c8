//! What a request holds while it is not answered: room in the byte budget, and its share of what its identity may send.

use std::sync::Arc;

use host_compression::Room;
use tokio::time::Instant;

use super::identity::{Announced, Limit, Quota, Share};
use super::status::Rejection;
use crate::budget::{Budget, Reservation};

/// It is all given back on drop.
pub(crate) struct Held {
    reservation: Reservation,
    /// None where the identity is not limited.
    share: Option<Share>,
    /// Whether it was the identity that had no room left.
    is_own_fault: bool,
}

impl Held {
    /// Lets in a request.
    ///
    /// # Errors
    /// Where there is no room for it, or who sends it has sent as much as it may.
    pub(crate) fn new(budget: &Budget, quota: Option<&Arc<Quota>>, announced: Announced) -> Result<Held, Rejection> {
        let reservation = budget.reserve(announced.bytes).ok_or_else(Rejection::no_room)?;
        let share = quota.map(|quota| quota.share(announced, Instant::now())).transpose()?;
        Ok(Held { reservation, share, is_own_fault: false })
    }

    /// What is told to a sender whose request could not grow.
    pub(crate) fn no_room(&self) -> Rejection {
        match &self.share {
            Some(share) if self.is_own_fault => share.no_room(Instant::now()),
            _ => Rejection::no_room(),
        }
    }

    /// Notes what the request came to.
    pub(crate) fn settle(&mut self, limit: Limit, amount: u64) {
        if let Some(share) = &mut self.share {
            share.settle(limit, amount);
        }
    }
}

impl Room for Held {
    fn grow(&mut self, bytes: usize) -> bool {
        let before = self.reservation.bytes();
        if !self.reservation.grow(bytes) {
            self.is_own_fault = false;
            return false;
        }
        let has_room = self.share.as_mut().is_none_or(|share| share.grow(bytes));
        if !has_room {
            self.reservation.shrink_to(before);
            self.is_own_fault = true;
        }
        has_room
    }

    fn shrink_to(&mut self, bytes: usize) {
        self.reservation.shrink_to(bytes);
        if let Some(share) = &mut self.share {
            share.shrink_to(bytes);
        }
    }
}
