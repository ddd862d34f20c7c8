//! A follower has the API server tell of one kind of objects, for as long as it is let: what fails is asked again.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use host_kubernetes::{ApiError, Pauses, Scope, Server, Whole, missing_rule};
use host_telemetry::{Counter, Gauge};

use super::Shared;
use crate::objects::Tell;
use crate::store::Table;

/// What is counted.
pub(crate) struct Meters {
    pub(crate) failures: Counter,
    pub(crate) objects: Gauge,
}

pub(super) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) server: Server,
    /// All where there is none.
    pub(super) namespace: Option<String>,
    pub(super) table: Arc<Mutex<Table>>,
}

impl Follower {
    pub(super) async fn follow<K: Tell + Whole>(self) {
        let (mut pauses, mut is_in_trouble) = (Pauses::new(), false);
        loop {
            let mut is_listed = false;
            let Err(error) = self.once::<K>(&mut is_listed, &mut is_in_trouble).await;
            self.shared.meters.failures.inc();
            let (receiver, objects, problem) = (&self.shared.receiver, K::PLURAL, self.told::<K>(&error));
            if std::mem::replace(&mut is_in_trouble, true) {
                tracing::debug!(receiver, objects, problem, "they still cannot be followed");
            } else {
                tracing::warn!(receiver, objects, problem, "they cannot be followed: what was known last is told on");
            }
            pauses.pause(is_listed).await;
        }
    }

    async fn once<K: Tell + Whole>(
        &self,
        is_listed: &mut bool,
        is_in_trouble: &mut bool,
    ) -> Result<Infallible, ApiError> {
        let api = self.server.api().await?;
        let scope = Scope { namespace: self.namespace.clone(), ..Scope::default() };
        let (receiver, objects) = (self.shared.receiver.as_str(), K::PLURAL);
        api.follow_any::<K>(&scope, |seen| {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            if table.see(&seen, &self.shared.plan) {
                *is_listed = true;
                if std::mem::take(is_in_trouble) {
                    tracing::info!(receiver, objects, "they are followed again");
                }
            }
        })
        .await
    }

    /// What is wrong, and which rule of RBAC is missing where one is.
    fn told<K: Tell>(&self, error: &ApiError) -> String {
        if !error.is_denied() {
            return error.to_string();
        }
        format!("{error}; {}", missing_rule(self.namespace.as_deref(), K::GROUP, K::PLURAL))
    }
}
