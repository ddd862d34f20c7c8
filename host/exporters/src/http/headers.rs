//! The headers that a user wants with each request.

use std::collections::BTreeMap;

use host_config::{Secret, Wrong};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The headers of `written`, none of which the protocol sets itself.
pub(crate) fn headers(
    written: &BTreeMap<String, Secret>,
    protocol: &str,
    is_reserved: impl Fn(&str) -> bool,
) -> Result<HeaderMap, Wrong> {
    let mut map = HeaderMap::new();
    for (name, value) in written {
        let bad = || {
            let message =
                format!("{name:?} is no header that can be set; use ASCII and none that {protocol} sets itself");
            Wrong::new("headers", message)
        };
        let key = HeaderName::try_from(name.to_ascii_lowercase()).map_err(|_| bad())?;
        let of_http = matches!(key.as_str(), "te" | "content-type" | "connection" | "transfer-encoding" | "upgrade");
        if of_http || is_reserved(key.as_str()) {
            return Err(bad());
        }
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| bad())?;
        // It may be a key: no compression of headers keeps it, and no log shows it.
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}
