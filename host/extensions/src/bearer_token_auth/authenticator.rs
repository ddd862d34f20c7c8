//! Who has one of the tokens is let in, and says the first of them elsewhere.

use host_component::{BoxFuture, ClientAuth, Denied, Failure, HeaderChange, Origin, ServerAuth};
use host_config::Secret;
use host_tls::Fresh;
use subtle::{Choice, ConstantTimeEq as _};

/// Both sides of the extension.
pub struct Bearer {
    /// In lower case.
    header: String,
    /// What stands before the token.
    scheme: String,
    /// What it may say: one at least.
    values: Fresh<Vec<Secret>>,
}

impl Bearer {
    pub(super) fn new(header: String, scheme: String, values: Fresh<Vec<Secret>>) -> Self {
        Bearer { header, scheme, values }
    }

    async fn check(&self, value: Option<&[u8]>) -> Result<(), Denied> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Err(Denied::Stranger(format!("missing or empty authorization header: {}", self.header)));
        };
        let values = self.values.get().await;
        let known = values.iter().map(|known| known.as_str().as_bytes().ct_eq(value));
        // All of them are compared, so that the time it takes does not tell which was nearly right.
        if bool::from(known.fold(Choice::from(0), |found, is_this| found | is_this)) {
            return Ok(());
        }
        Err(Denied::Stranger("provided authorization does not match expected scheme or token".to_owned()))
    }
}

impl ServerAuth for Bearer {
    fn header(&self) -> &str {
        &self.header
    }

    fn challenge(&self) -> String {
        // What is no word is none of HTTP's schemes either, and one of these has to be said.
        let is_word = |scheme: &&str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let scheme = Some(self.scheme.as_str()).filter(|scheme| !scheme.is_empty()).filter(is_word);
        format!("{} realm=\"tidegate\"", scheme.unwrap_or("Bearer"))
    }

    fn admit<'a>(&'a self, value: Option<&'a [u8]>) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(self.check(value))
    }
}

impl ClientAuth for Bearer {
    fn credentials<'a>(&'a self, _origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>> {
        Box::pin(async {
            let values = self.values.get().await;
            Ok(values.iter().take(1).map(|value| HeaderChange::upsert(&self.header, value.as_str())).collect())
        })
    }

    fn is_secret(&self) -> bool {
        true
    }
}
