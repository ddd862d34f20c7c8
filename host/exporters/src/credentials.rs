//! The credentials of an exporter's requests: what its authenticator does to their headers.

use std::borrow::Cow;
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

    /// Hears that the next hop does not know who we are by what was added. Whether there may be something else to add.
    pub(crate) fn refused(&self) -> bool {
        self.0.as_ref().is_some_and(|auth| auth.refused())
    }

    /// The headers of a request with data of `origin`, made of those that each has.
    ///
    /// # Errors
    /// When there is nothing to show at present, or it cannot stand in a header.
    pub(crate) async fn added_to<'h>(
        &self,
        headers: &'h HeaderMap,
        origin: &Origin,
    ) -> Result<Cow<'h, HeaderMap>, Failure> {
        let Some(auth) = &self.0 else { return Ok(Cow::Borrowed(headers)) };
        let mut headers = headers.clone();
        for change in auth.credentials(origin).await? {
            apply(&mut headers, &change)?;
        }
        Ok(Cow::Owned(headers))
    }
}

/// Says why credentials cannot be used without encryption.
pub fn in_the_clear(authenticator: &str) -> String {
    format!(
        "`{authenticator}` sends what nobody else may read, and `tls: {{ insecure: true }}` shows it to anybody on the way: \
         encrypt, or take `auth` out"
    )
}

fn apply(headers: &mut HeaderMap, change: &HeaderChange) -> Result<(), Failure> {
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
        // It may be a key, also where it is not said to be: no compression of headers keeps it, and no log shows it.
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
