//! Why a delivery did not arrive: a closed type that each receiver maps to its protocol in one place.

use std::time::Duration;

/// Success, or a failure.
pub type Outcome = Result<(), Failure>;

/// A delivery that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The data itself cannot be delivered, now or later: trying again is pointless.
    #[error("permanent failure: {reason}")]
    Permanent { reason: String },
    /// The same data may well be delivered later.
    #[error("{reason}")]
    Retryable { reason: String, after: Option<Duration> },
    /// There is no room for it here at present: the sender is to slow down and try again.
    #[error("{reason}")]
    Refused { reason: String, after: Duration },
}

impl Failure {
    pub fn permanent(reason: impl Into<String>) -> Self {
        Failure::Permanent { reason: reason.into() }
    }

    pub fn retryable(reason: impl Into<String>) -> Self {
        Failure::Retryable { reason: reason.into(), after: None }
    }

    pub fn refused(reason: impl Into<String>, after: Duration) -> Self {
        Failure::Refused { reason: reason.into(), after }
    }

    pub fn is_permanent(&self) -> bool {
        matches!(self, Failure::Permanent { .. })
    }
}
