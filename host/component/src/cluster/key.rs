//! A key that says of which cluster, or of which role, telemetry is, in whatever spelling.
//!
//! What counts is what a backend makes of the key, and backends agree on little: Prometheus puts an underscore for each
//! character that it does not know, newer versions one for several, some compare without regard to case, and whoever
//! flattens a nested value joins the keys on the way. So a key is taken apart into its letters and digits: `cluster.id`,
//! `cluster_id`, `Cluster-ID`, `__cluster__id__` and a `cluster` that is a map with an `id` are one.

/// What is said by such a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Cluster,
    Role,
}

impl Subject {
    pub fn name(self) -> &'static str {
        match self {
            Subject::Cluster => "cluster.id",
            Subject::Role => "cluster_role",
        }
    }
}

/// How much of such a key the keys on the way to a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterKey {
    /// Nothing but what joins words.
    Start,
    /// The word `cluster`.
    Cluster,
    /// The whole of it.
    Of(Subject),
    /// Something else, whatever follows.
    Other,
}

impl ClusterKey {
    /// The same with one more key.
    #[inline]
    #[must_use]
    pub fn with(self, key: &[u8]) -> ClusterKey {
        // Most keys begin with another letter.
        if self == ClusterKey::Other || (self == ClusterKey::Start && begins_otherwise(key)) {
            return ClusterKey::Other;
        }
        let words = key.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.fold(self, |known, word| match known {
            ClusterKey::Start if word.eq_ignore_ascii_case(b"cluster") => ClusterKey::Cluster,
            ClusterKey::Cluster if word.eq_ignore_ascii_case(b"id") => ClusterKey::Of(Subject::Cluster),
            ClusterKey::Cluster if word.eq_ignore_ascii_case(b"role") => ClusterKey::Of(Subject::Role),
            _ => ClusterKey::Other,
        })
    }
}

#[inline]
fn begins_otherwise(key: &[u8]) -> bool {
    key.first().is_some_and(|first| first.is_ascii_alphanumeric() && !first.eq_ignore_ascii_case(&b'c'))
}
