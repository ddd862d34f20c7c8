//! Why a backend did not take a request, and what it left out of one that it took.

use host_component::Failure;

/// What of a text from a stranger is of interest.
const MESSAGE_BYTES: usize = 1024;
/// A number in a text that is less is no limit of a server's.
const SMALLEST_LIMIT: usize = 64 << 10;

/// A request that was taken, with what of it was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub rejected: Vec<Rejected>,
    /// What the backend says about that.
    pub message: String,
}

/// Items that a backend will never take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub items: u64,
    /// A word for the label of a metric.
    pub reason: &'static str,
}

/// Why a backend did not take a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A part of it may be taken.
    TooLarge(TooLarge),
    /// The backend does not know who we are by what we showed; with the failure that this is where nothing helps.
    Stranger(Failure),
    Failed(Failure),
}

/// A request that is larger than it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    pub reason: String,
    /// How much is taken, where the backend tells that.
    pub limit: Option<usize>,
    /// Whether it is our own limit, and nothing was sent.
    pub is_own: bool,
}

impl Denial {
    /// A request that is too large, whose limit may stand in the text: servers tell it and the size of the request, which
    /// is larger.
    pub fn too_large(reason: String) -> Denial {
        let numbers = reason.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<usize>().ok());
        let limit = numbers.filter(|number| *number >= SMALLEST_LIMIT).min();
        Denial::TooLarge(TooLarge { reason, limit, is_own: false })
    }

    /// What it is where nothing of the request can be taken.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Denial::Failed(failure) | Denial::Stranger(failure) => failure,
            Denial::TooLarge(too_large) => Failure::Permanent { reason: too_large.reason },
        }
    }
}

/// A stranger's text on its way into the log: it keeps to one line and to a reasonable length.
pub fn tame(text: &[u8]) -> String {
    let told = text.get(..MESSAGE_BYTES).unwrap_or(text);
    String::from_utf8_lossy(told).replace(char::is_control, " ")
}
