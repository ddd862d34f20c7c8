//! A claim is an attribute that says of which cluster, or of which role, the telemetry is.
//!
//! What counts is what a backend makes of the key, and backends agree on little: Prometheus puts an underscore for each
//! character that it does not know, newer versions one for several, some compare without regard to case, and whoever
//! flattens a nested value joins the keys on the way. So a key is taken apart into its letters and digits: `cluster.id`,
//! `cluster_id`, `Cluster-ID`, `__cluster__id__` and a `cluster` that is a map with an `id` are one.

/// What is claimed.
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

/// How much of a claim's key the keys on the way to a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Nothing but what joins words.
    Start,
    /// The word `cluster`.
    Cluster,
    Claim(Subject),
    /// Something else, whatever follows.
    Other,
}

impl Path {
    /// The path with one more key.
    #[inline]
    pub(crate) fn with(self, key: &[u8]) -> Path {
        // Most keys begin with another letter.
        if self == Path::Other || (self == Path::Start && begins_otherwise(key)) {
            return Path::Other;
        }
        let words = key.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.fold(self, |path, word| match path {
            Path::Start if word.eq_ignore_ascii_case(b"cluster") => Path::Cluster,
            Path::Cluster if word.eq_ignore_ascii_case(b"id") => Path::Claim(Subject::Cluster),
            Path::Cluster if word.eq_ignore_ascii_case(b"role") => Path::Claim(Subject::Role),
            _ => Path::Other,
        })
    }
}

#[inline]
fn begins_otherwise(key: &[u8]) -> bool {
    key.first().is_some_and(|first| first.is_ascii_alphanumeric() && !first.eq_ignore_ascii_case(&b'c'))
}
