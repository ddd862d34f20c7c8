//! `auth:` of a Kafka component: how the client shows who it is.

use host_config::{Refused, Secret, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

/// The section as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    pub sasl: Option<Sasl>,
    kerberos: Refused,
    plain_text: Refused,
    tls: Refused,
}

/// A name and a password, and how they are shown.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sasl {
    pub username: String,
    pub password: Secret,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Taken for the Collector's sake: brokers say which they speak.
    pub version: u8,
    aws_msk: Refused,
    oauthbearer_token_source: Refused,
}

/// What is served.
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

impl Auth {
    pub(crate) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            (
                "auth.kerberos",
                self.kerberos.0,
                "Kerberos (GSSAPI) is not served, since its libraries cannot be linked in: use `auth.sasl` with \
                 SCRAM-SHA-512, or a certificate in `tls`",
            ),
            (
                "auth.plain_text",
                self.plain_text.0,
                "it is `auth.sasl` with `mechanism: PLAIN` today, in the Collector too",
            ),
            ("auth.tls", self.tls.0, "it is `tls` beside `auth` today, in the Collector too"),
        ]);
        if let Some(sasl) = &self.sasl {
            wrongs.extend(sasl.wrongs());
        }
        wrongs
    }
}

impl Sasl {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            (
                "auth.sasl.aws_msk",
                self.aws_msk.0,
                "signatures of AWS are not made: give the cluster a SCRAM-SHA-512 secret and name its user here",
            ),
            (
                "auth.sasl.oauthbearer_token_source",
                self.oauthbearer_token_source.0,
                "tokens are not shown to brokers: use SCRAM-SHA-512, or a certificate in `tls`",
            ),
            (
                "auth.sasl.username",
                self.username.is_empty() && MECHANISMS.contains(&self.mechanism.as_str()),
                "it is missing: write the name that the broker knows",
            ),
            (
                "auth.sasl.password",
                self.password.is_empty() && MECHANISMS.contains(&self.mechanism.as_str()),
                "it is missing: write `${env:NAME}` or `${file:/path}`, so that it stands in no configuration",
            ),
            ("auth.sasl.version", self.version > 1, "it is 0 or 1"),
        ]);
        let refusal = match self.mechanism.as_str() {
            known if MECHANISMS.contains(&known) => None,
            "" => Some("it is missing: write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512".to_owned()),
            "GSSAPI" => Some(
                "Kerberos (GSSAPI) is not served, since its libraries cannot be linked in: write SCRAM-SHA-512"
                    .to_owned(),
            ),
            "OAUTHBEARER" | "AWS_MSK_IAM_OAUTHBEARER" => Some(format!(
                "{} is not served: write SCRAM-SHA-512, or take `sasl` out and name a certificate in `tls`",
                self.mechanism
            )),
            other => Some(format!("{other:?} is no mechanism: write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")),
        };
        wrongs.extend(refusal.map(|message| Wrong::new("auth.sasl.mechanism", message)));
        wrongs
    }
}
