//! A detector is a kind of personal data or secret that is found without being told how: a pattern and a check.
//!
//! The host runs the patterns, all in one automaton. Each is linear, starts at a character that is rare or at a boundary,
//! and lets a little too much through where the check is exact.

use serde::Deserialize;

/// The detectors that are built in, by the names that a configuration gives them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detector {
    Email,
    PaymentCard,
    UsSsn,
    Phone,
    Ipv4,
    Ipv6,
    Jwt,
    CloudKey,
    BearerToken,
}

/// People's names have letters of every script.
const EMAIL: &str = r"[\p{L}\p{M}0-9._%+-]+@[\p{L}\p{M}0-9-]+(?:\.[\p{L}\p{M}0-9-]+)*\.[\p{L}\p{M}]{2,}";

const PAYMENT_CARD: &str = r"\b(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5}|\d{13,19})\b";

const US_SSN: &str = r"\b\d{3}-\d{2}-\d{4}\b";

const PHONE: &str =
    concat!(r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,6}\b", r"|(?:\(\d{3}\) ?|\b\d{3}[-.])\d{3}[-.]\d{4}\b",);

const IPV4: &str = r"\b(?:(?:25[0-5]|2[0-4]\d|[01]?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d?\d)\b";

/// Eight groups, or `::` with groups around it.
const IPV6: &str = concat!(
    r"\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b",
    r"|(?:\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}(?:\.\d{1,3}){0,3})?",
);

const JWT: &str = r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,3}";

const CLOUD_KEY: &str = concat!(
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    r"|\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}",
    r"|\bgh[opsur]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{22,}",
    r"|\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    r"|\bAccountKey=[0-9A-Za-z+/]{40,}={0,2}",
    r"|\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
);

const BEARER_TOKEN: &str = r"\b[Bb](?:earer|EARER)[ \t]+[A-Za-z0-9._~+/-]{16,}=*";

impl Detector {
    pub(crate) const ALL: [Detector; 9] = [
        Detector::Email,
        Detector::PaymentCard,
        Detector::UsSsn,
        Detector::Phone,
        Detector::Ipv4,
        Detector::Ipv6,
        Detector::Jwt,
        Detector::CloudKey,
        Detector::BearerToken,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Detector::Email => "email",
            Detector::PaymentCard => "payment_card",
            Detector::UsSsn => "us_ssn",
            Detector::Phone => "phone",
            Detector::Ipv4 => "ipv4",
            Detector::Ipv6 => "ipv6",
            Detector::Jwt => "jwt",
            Detector::CloudKey => "cloud_key",
            Detector::BearerToken => "bearer_token",
        }
    }

    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Detector::Email => EMAIL,
            Detector::PaymentCard => PAYMENT_CARD,
            Detector::UsSsn => US_SSN,
            Detector::Phone => PHONE,
            Detector::Ipv4 => IPV4,
            Detector::Ipv6 => IPV6,
            Detector::Jwt => JWT,
            Detector::CloudKey => CLOUD_KEY,
            Detector::BearerToken => BEARER_TOKEN,
        }
    }
}
