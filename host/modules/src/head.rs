//! What a host looks at before it takes what a head says.

use host_kubernetes::ApiError;
use host_manifest::{Manifest, ManifestError, PartsError, PublicKeys, TrustError};

use crate::objects::Signed;

/// Why what was pushed is not taken. What ran before runs on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("there is no `manifest.json` in it")]
    Empty,
    #[error("its manifest makes no sense: {0}")]
    Manifest(#[from] ManifestError),
    #[error("its manifest is not trusted: {0}")]
    Untrusted(#[from] TrustError),
    #[error("its manifest is that of the module {0:?}, and its label says another")]
    Name(String),
    #[error("its revision is {revision}, and this host has seen {seen}: push it with a higher one")]
    Older { revision: u64, seen: u64 },
    #[error("its revision {0} was another when this host saw it first: push it with a higher one")]
    Changed(u64),
    #[error("its manifest is that of the head {0:?}, and it lies under another: push it under this one")]
    Head(String),
    #[error(
        "it is for clusters that the head {0:?} is for, too, and neither is closer: delete one of the two, or push it for others"
    )]
    Tie(String),
    #[error("its part {0} is not there")]
    MissingPart(String),
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// It was taken, and the sandbox refuses it.
    #[error("{0}")]
    Refused(String),
    #[error("it was taken back: {0}")]
    RolledBack(String),
}

/// Why something was not taken this time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It is tried again.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("it cannot be kept in {path}: {error}")]
    Storage { path: std::path::PathBuf, error: std::io::Error },
}

impl Rejected {
    /// As the reason of an event, and as a label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Rejected::Empty | Rejected::Manifest(_) | Rejected::Name(_) | Rejected::Head(_) => "InvalidManifest",
            Rejected::Untrusted(_) => "Untrusted",
            Rejected::Older { .. } | Rejected::Changed(_) => "OlderRevision",
            Rejected::Tie(_) => "Tie",
            Rejected::MissingPart(_) => "MissingPart",
            Rejected::Parts(PartsError::Size { .. }) => "TooLarge",
            Rejected::Parts(_) => "WrongDigest",
            Rejected::Refused(_) => "Refused",
            Rejected::RolledBack(_) => "RolledBack",
        }
    }

    /// Whether it was taken, and came to nothing in the sandbox.
    pub(crate) fn is_of_sandbox(&self) -> bool {
        matches!(self, Rejected::Refused(_) | Rejected::RolledBack(_))
    }

    /// Whether it may be taken later, though it stays as it is.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Rejected::MissingPart(_) | Rejected::Tie(_))
    }
}

/// Whose manifests are taken.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    pub(crate) keys: PublicKeys,
    pub(crate) is_required: bool,
}

impl Trust {
    /// The manifest of a module of this name under this head, if it may be taken.
    pub(crate) fn read(&self, head: &str, module: &str, signed: &Signed) -> Result<Manifest, Rejected> {
        let bytes = signed.manifest.as_bytes();
        // What is signed is looked at even where that is not required: a signature that is wrong says that something is.
        let is_to_check = self.is_required || !self.keys.is_empty() && !signed.signatures.trim().is_empty();
        if is_to_check {
            self.keys.verify(bytes, &signed.signatures)?;
        }
        let manifest = Manifest::read(bytes)?;
        if manifest.name != module {
            return Err(Rejected::Name(manifest.name));
        }
        if manifest.head != head {
            return Err(Rejected::Head(manifest.head));
        }
        Ok(manifest)
    }
}
