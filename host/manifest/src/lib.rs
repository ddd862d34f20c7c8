//! What a module is on its way to a host: a [`Manifest`], whose exact bytes are what is signed, and the parts that its component
//! was cut into. No I/O: whoever has bytes asks whether they are what they say.

mod canonical;
mod clusters;
mod cosign;
mod digest;
mod manifest;
mod parts;
mod trust;

pub use canonical::canonical;
pub use clusters::{Closeness, ClusterPattern};
pub use cosign::CosignKey;
pub use digest::{Digest, hex};
pub use manifest::{Coding, Component, Fields, Manifest, ManifestError, Part, is_head, is_name};
pub use parts::{PartsError, cut, join};
pub use trust::{KeyError, PrivateKey, PublicKeys, SigningKey, TrustError};

#[cfg(test)]
mod tests;
