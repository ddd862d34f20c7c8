//! The credentials of an exporter's requests: what its authenticator does to their headers.

use std::sync::Arc;

use host_component::{ClientAuth, Failure, HeaderAction, HeaderChange, Origin};
use host_config::{Auth, Wrong};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Deps;

/// Adds to requests; to none where the exporter has no `auth`.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Option<Arc<dyn ClientAuth>>);

impl Credentials {
    /// Those that `auth` names. `is_encrypted` is whether nobody on the way can read requests.
    ///
    /// # Errors
    /// When there are none of this name, or they are secret and would be sent in the clear.
    pub(crate) fn find(auth: Option<&Auth>, is_encrypted: bool, deps: &Deps<'_>) -> Result<Self, Wrong> {
        let Some(auth) = auth else { return Ok(Credentials::default()) };
        let found = auth.find("auth", |id| deps.auth.client(id).cloned())?;
        if found.is_secret() && !is_encrypted {
            return Err(Wrong::new("auth.authenticator", in_the_clear(&auth.authenticator)));
        }
        Ok(Credentials(Some(found)))
    }

    /// Whether what is added is for the next hop's eyes alone.
    pub(crate) fn is_secret(&self) -> bool {
        self.0.as_ref().is_some_and(|auth| auth.is_secret())
    }

    /// Changes the headers of a request with data of `origin`.
    ///
    /// # Errors
    /// When there is nothing to show at present, or it cannot stand in a header.
    pub(crate) async fn add_to(&self, headers: &mut HeaderMap, origin: &Origin) -> Result<(), Failure> {
        let Some(auth) = &self.0 else { return Ok(()) };
        for change in auth.credentials(origin).await? {
            apply(headers, &change, auth.is_secret())?;
        }
        Ok(())
    }
}

/// Says why credentials cannot be used without encryption.
pub fn in_the_clear(authenticator: &str) -> String {
    format!(
        "`{authenticator}` sends what nobody else may read, and `tls: {{ insecure: true }}` shows it to anybody on the way: \
         encrypt, or take `auth` out"
    )
}

fn apply(headers: &mut HeaderMap, change: &HeaderChange, is_secret: bool) -> Result<(), Failure> {
    let unfit = || Failure::permanent(format!("what the header {} is to say cannot stand there", change.name));
    let name = HeaderName::try_from(&change.name).map_err(|_| unfit())?;
    let is_wanted = match change.action {
        HeaderAction::Insert => !headers.contains_key(&name),
        HeaderAction::Update => headers.contains_key(&name),
        HeaderAction::Upsert => true,
        HeaderAction::Delete => {
            headers.remove(&name);
            return Ok(());
        }
    };
    if is_wanted {
        let mut value = HeaderValue::try_from(&change.value).map_err(|_| unfit())?;
        // No compression of headers keeps it, and no log shows it.
        value.set_sensitive(is_secret);
        headers.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
