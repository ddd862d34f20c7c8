//! Who is not let in any more, though its certificate is still good: by identity, or by the number of the certificate.

use crate::glob::Identities;
use crate::rules::Speaker;

/// What a line about a certificate's number begins with.
const SERIAL: &str = "serial:";

/// A list of those who are not let in.
#[derive(Debug, Default)]
pub struct Denied {
    serials: Vec<String>,
    identities: Vec<Identities>,
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DenyError {
    pub line: usize,
    pub message: String,
}

impl Denied {
    /// Reads a list: a pattern of identities, or `serial:` and a number in hexadecimal, a line; what begins with `#` is a
    /// comment.
    ///
    /// # Errors
    /// Says which line is neither.
    pub fn read(text: &str) -> Result<Denied, DenyError> {
        let mut denied = Denied::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |message| DenyError { line: index + 1, message };
            match line.trim() {
                line if line.is_empty() || line.starts_with('#') => {}
                line => match line.strip_prefix(SERIAL) {
                    Some(serial) => denied.serials.push(plain(serial.trim()).map_err(wrong)?),
                    None => denied.identities.push(Identities::of(line).map_err(wrong)?),
                },
            }
        }
        Ok(denied)
    }

    /// Whether a speaker, by a certificate with this number in hexadecimal, is on the list.
    pub fn has(&self, speaker: &Speaker, serial: &str) -> bool {
        let is_serial = || plain(serial).is_ok_and(|serial| self.serials.contains(&serial));
        self.identities.iter().any(|denied| denied.have(speaker.identity(), speaker.from())) || is_serial()
    }
}

/// A number as it is compared: small letters, without colons and leading zeros.
fn plain(serial: &str) -> Result<String, String> {
    let digits: String = serial.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{serial:?} is no serial number: hexadecimal digits are, with colons or without"));
    }
    Ok(digits.trim_start_matches('0').to_owned())
}
