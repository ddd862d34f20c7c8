//! What those who follow objects have in common where they cannot: when they ask again, and which rule they miss.

use std::time::Duration;

use tokio::time::Instant;

/// The pauses after which a server that failed is asked again: each twice as long as the one before it, up to half a minute.
#[derive(Debug)]
pub struct Pauses {
    next: Duration,
    began: Instant,
}

impl Pauses {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(30);

    /// Asking begins.
    pub fn new() -> Self {
        Pauses { next: Self::FIRST, began: Instant::now() }
    }

    /// Waits, since what was asked has failed, and begins anew. `has_listed` is whether all was told before that: where a watch fails
    /// at once, each time, all is not listed each time as soon.
    pub async fn pause(&mut self, has_listed: bool) {
        if has_listed && self.began.elapsed() >= Self::LONGEST {
            self.next = Self::FIRST;
        }
        // All collectors of a cluster lose the server at once, and are not to come back at once.
        tokio::time::sleep(self.next.mul_f64(0.5 + fastrand::f64())).await;
        self.next = (self.next * 2).min(Self::LONGEST);
        self.began = Instant::now();
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Self::new()
    }
}

/// Which rule of RBAC whoever follows objects of this group and plural name misses: of all namespaces where there is none.
pub fn missing_rule(namespace: Option<&str>, group: &str, plural: &str) -> String {
    let role = match namespace {
        Some(namespace) => format!("Role in the namespace {namespace}"),
        None => "ClusterRole".to_owned(),
    };
    format!(
        "the {role} of the service account needs the rule {{ apiGroups: [{group:?}], resources: [{plural}], verbs: [get, list, \
         watch] }}"
    )
}
