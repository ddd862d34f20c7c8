//! The address of somebody to connect to, as a user writes it.

use crate::check::Wrong;

/// Refuses an address with a name or a password before its host: addresses stand in logs and in what senders are told.
///
/// # Errors
/// Where it has one, or what could be one; that is not repeated.
pub fn without_userinfo(key: &str, address: &str) -> Result<(), Wrong> {
    let authority = match address.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
        None => address,
    };
    // What has no host is no address, and will be told as it stands.
    let told = if authority.is_empty() { address } else { authority };
    match told.contains('@') {
        false => Ok(()),
        true => Err(Wrong::new(
            key,
            "there is an `@` in it, and a name or a password before that would stand in the log: take it out, and let \
             `auth` name an extension such as `basicauth`",
        )),
    }
}
