//! The side that receives: who is on the list and says the right password is let in.

use std::num::NonZero;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_component::{BoxFuture, Denied, ServerAuth};
use host_tls::Fresh;
use tokio::sync::Semaphore;

use super::htpasswd::{Users, Verdict};

/// Senders that may wait for each one whose password is looked at: some seconds' work. More are told to come again.
const WAITING: usize = 31;

pub(super) struct Server {
    users: Fresh<Users>,
    /// A hash takes a core for a tenth of a second: strangers that guess may have half of the cores, and no more.
    turns: Arc<Semaphore>,
    /// Of those who have a turn or wait for one.
    places: Semaphore,
}

impl Server {
    pub(super) fn new(users: Fresh<Users>) -> Self {
        let turns = std::thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
        Server { users, turns: Arc::new(Semaphore::new(turns)), places: Semaphore::new(turns * (1 + WAITING)) }
    }

    async fn check(&self, value: Option<&[u8]>) -> Result<(), Denied> {
        let (name, password) = parse(value).map_err(|reason| Denied::Stranger(reason.to_owned()))?;
        let users = self.users.get().await;
        let (hash, is_decoy) = match users.check(&name, &password) {
            Verdict::Right => return Ok(()),
            Verdict::Wrong => return Err(invalid()),
            Verdict::Hash(hash) => (hash, false),
            Verdict::Decoy(hash) => (hash, true),
        };
        let _place = self.places.try_acquire().map_err(|_| Denied::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| invalid())?;
        // Somebody with the same password may have had the turn before.
        if let Verdict::Right = users.check(&name, &password) {
            return Ok(());
        }
        let checked = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(&password, &hash).unwrap_or(false);
            drop(turn);
            (is_right && !is_decoy).then_some(password)
        });
        let password = checked.await.ok().flatten().ok_or_else(invalid)?;
        users.remember(&name, &password);
        Ok(())
    }
}

impl ServerAuth for Server {
    fn header(&self) -> &str {
        "authorization"
    }

    fn challenge(&self) -> String {
        "Basic realm=\"tidegate\", charset=\"UTF-8\"".to_owned()
    }

    fn admit<'a>(&'a self, value: Option<&'a [u8]>) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(self.check(value))
    }
}

fn invalid() -> Denied {
    Denied::Stranger("invalid credentials".to_owned())
}

/// The name and the password in a header.
fn parse(value: Option<&[u8]>) -> Result<(String, Vec<u8>), &'static str> {
    const SCHEME: &[u8] = b"Basic ";
    let value = value.filter(|value| !value.is_empty()).ok_or("no basic auth provided")?;
    let (scheme, encoded) = value.split_at_checked(SCHEME.len()).ok_or("invalid authorization scheme prefix")?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err("invalid authorization scheme prefix");
    }
    let decoded = STANDARD.decode(encoded).map_err(|_| "invalid authorization format")?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or("invalid authorization format")?;
    let name = std::str::from_utf8(&decoded[..colon]).map_err(|_| "invalid authorization format")?;
    Ok((name.to_owned(), decoded[colon + 1..].to_owned()))
}
