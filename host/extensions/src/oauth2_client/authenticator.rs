//! The token of an exporter: asked for when it is first needed, replaced before its end, shared by all requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_component::{BoxFuture, ClientAuth, Failure, HeaderChange, Origin};
use host_telemetry::{Counter, Metrics};
use host_tls::Fresh;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::endpoint::{Credentials, Endpoint};
use super::token::Token;

/// After a failure nobody asks again for so long.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Authenticator {
    owner: String,
    credentials: Fresh<Credentials>,
    endpoint: Endpoint,
    /// So long before its end a token is replaced.
    buffer: Duration,
    state: Mutex<State>,
    /// Of whoever asks: there is one at a time.
    turn: Semaphore,
    tokens: Counter,
    failures: Counter,
}

#[derive(Default)]
struct State {
    /// With whom it was given to.
    token: Option<(Token, Arc<Credentials>)>,
    failed: Option<(Instant, String)>,
}

impl Authenticator {
    pub(super) fn new(
        owner: String,
        credentials: Fresh<Credentials>,
        endpoint: Endpoint,
        buffer: Duration,
        metrics: &Metrics,
    ) -> Self {
        let labels = [("extension", owner.as_str())];
        let tokens = metrics.counter("tidegate_oauth2_tokens", "Tokens that were given out.", &labels);
        let failures = metrics.counter("tidegate_oauth2_failures", "Requests for a token that gave none.", &labels);
        let (state, turn) = (Mutex::default(), Semaphore::new(1));
        Authenticator { owner, credentials, endpoint, buffer, state, turn, tokens, failures }
    }

    /// What stands in the header. Whoever comes while somebody asks for a token waits for that one.
    async fn header(&self) -> Result<String, Failure> {
        let who = self.credentials.get().await;
        if let Some(known) = self.known(&who) {
            return known;
        }
        let _turn = self.turn.acquire().await.map_err(|_| self.failure("the exporter has ended"))?;
        if let Some(known) = self.known(&who) {
            return known;
        }
        match self.endpoint.token(&who).await {
            Ok(token) => {
                self.tokens.inc();
                let header = token.header.clone();
                *self.state() = State { token: Some((token, who)), failed: None };
                Ok(header)
            }
            Err(reason) => {
                self.failures.inc();
                tracing::warn!(extension = self.owner, reason, "cannot get a token");
                let mut state = self.state();
                let old = state.old();
                state.failed = Some((Instant::now(), reason.clone()));
                old.ok_or_else(|| self.failure(&reason))
            }
        }
    }

    /// What can be said without asking anybody.
    fn known(&self, who: &Arc<Credentials>) -> Option<Result<String, Failure>> {
        let state = self.state();
        match &state.token {
            Some((token, owner)) if Arc::ptr_eq(owner, who) && token.is_young(self.buffer) => {
                return Some(Ok(token.header.clone()));
            }
            _ => {}
        }
        let (at, reason) = state.failed.as_ref()?;
        (at.elapsed() < PAUSE).then(|| state.old().ok_or_else(|| self.failure(reason)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, reason: &str) -> Failure {
        Failure::retryable(format!("{}: {reason}", self.owner))
    }
}

impl State {
    /// A token that is to be replaced, and does until it ends.
    fn old(&self) -> Option<String> {
        self.token.as_ref().filter(|(token, _)| token.is_alive()).map(|(token, _)| token.header.clone())
    }
}

impl ClientAuth for Authenticator {
    fn credentials<'a>(&'a self, _origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>> {
        Box::pin(async { Ok(vec![HeaderChange::upsert("authorization", self.header().await?)]) })
    }

    fn refused(&self) -> bool {
        let mut state = self.state();
        // One that is new already was not the one that was shown, or a newer one will do no better.
        if state.token.as_ref().is_some_and(|(token, _)| token.age() >= PAUSE) {
            state.token = None;
        }
        true
    }

    fn is_secret(&self) -> bool {
        true
    }
}
