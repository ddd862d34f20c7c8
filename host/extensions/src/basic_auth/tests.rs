//! Who is let in by name and password, and who is not.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_component::{Denied, Origin};
use host_config::{Check as _, Secret};
use host_telemetry::Metrics;
use tokio::task::JoinSet;

use super::htpasswd::{Users, Verdict};
use super::{ClientConfig, Config, Htpasswd};
use crate::Deps;

/// A test vector of crypt_blowfish: the hash of `U*U`.
const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn of(inline: &str) -> Config {
    let htpasswd = Htpasswd { inline: Secret::new(inline), ..Htpasswd::default() };
    Config { htpasswd: Some(htpasswd), client_auth: None }
}

async fn answers(config: &Config, headers: &[&[u8]]) -> Vec<String> {
    let (id, metrics) = ("basicauth".parse().unwrap(), Metrics::new());
    let server = config.server(&Deps { id: &id, base: Path::new("."), metrics: &metrics }).unwrap().unwrap();
    assert_eq!(server.header(), "authorization");
    let mut answers = Vec::new();
    for header in headers {
        let admitted = server.admit(Some(header).filter(|header| !header.is_empty()).copied()).await;
        answers.push(admitted.err().map_or_else(|| "in".to_owned(), |denied| denied.to_string()));
    }
    answers
}

fn basic(user: &str) -> Vec<u8> {
    format!("basic {}", STANDARD.encode(user)).into_bytes()
}

#[tokio::test]
async fn lets_in_who_says_the_right_password_and_says_why_nobody_else() {
    let config = of(&format!("# people\nann:plain:text\n\nbob:{HASH}\n"));
    let right = answers(&config, &[&basic("ann:plain:text"), &basic("bob:U*U"), &basic("bob:U*U")]).await;
    assert_eq!(right, ["in", "in", "in"]);
    let wrong = [basic("ann:plain"), basic("bob:U*V"), basic("eve:U*U"), basic("ann")];
    let wrong = [&wrong[0][..], &wrong[1], &wrong[2], &wrong[3], b"", b"Bearer x", b"Basic !"];
    let told = answers(&config, &wrong).await;
    assert_eq!(told[..3], ["invalid credentials", "invalid credentials", "invalid credentials"]);
    assert_eq!(
        told[3..],
        [
            "invalid authorization format",
            "no basic auth provided",
            "invalid authorization scheme prefix",
            "invalid authorization format"
        ]
    );
}

#[tokio::test]
async fn one_right_password_makes_no_other_right() {
    let config = of(&format!("bob:{HASH}\n"));
    let told = answers(&config, &[&basic("bob:U*U"), &basic("bob:U*U*"), &basic("bob:U*U")]).await;
    assert_eq!(told, ["in", "invalid credentials", "in"]);
}

#[tokio::test]
async fn tells_those_who_are_too_many_to_come_again() {
    let (id, metrics) = ("basicauth".parse().unwrap(), Metrics::new());
    let deps = Deps { id: &id, base: Path::new("."), metrics: &metrics };
    let server = of(&format!("bob:{HASH}\n")).server(&deps).unwrap().unwrap();
    let mut guesses = JoinSet::new();
    for number in 0..10_000 {
        let (server, guess) = (server.clone(), basic(&format!("bob:{number}")));
        guesses.spawn(async move { server.admit(Some(&guess)).await.unwrap_err() });
    }
    let told = guesses.join_all().await;
    let busy = told.iter().filter(|denied| **denied == Denied::Busy).count();
    assert!(busy > 0 && busy < told.len(), "{busy} of {}", told.len());
    assert_eq!(server.admit(Some(&basic("bob:U*U"))).await, Ok(()), "there is room again");
}

#[test]
fn takes_as_long_for_a_stranger_as_for_a_wrong_password() {
    let slow = HASH.replace("$05$", "$06$");
    let mut users = Users::default();
    users.add(&format!("ann:plain\nbob:{HASH}\ncarl:{slow}\n")).unwrap();
    let hash = |name: &str| match users.check(name, b"wrong") {
        Verdict::Right => "right".to_owned(),
        Verdict::Wrong => "wrong at once".to_owned(),
        Verdict::Hash(hash) | Verdict::Decoy(hash) => hash,
    };
    assert_eq!(["ann", "bob", "carl", "eve"].map(hash), [&slow, HASH, &slow, &slow]);
    assert!(matches!(users.check("eve", b"U*U"), Verdict::Decoy(_)), "whose hash it is does not let in");
}

#[test]
fn refuses_users_that_anybody_could_be_by_their_line() {
    let told = |config: &Config| {
        let read = |_: &Path| -> std::io::Result<Vec<u8>> { Err(std::io::Error::other("there are no files")) };
        let wrong = config.htpasswd.as_ref().map(|htpasswd| htpasswd.users(&read).err());
        wrong.flatten().map(|wrong| wrong.to_string()).unwrap_or_default()
    };
    for password in ["x", "$ecret", "$$x", "{x", "{}", "a$b$c"] {
        assert_eq!(told(&of(&format!("ann:{password}\n"))), "", "{password}");
    }
    for (inline, why) in [
        ("ann:x\n:\n", "line 2 has an empty name or password"),
        ("ann\n", "line 1 has no colon"),
        ("ann:$apr1$abc$def\n", "line 1 has a hash with MD5"),
        ("ann:{SHA}abc\n", "line 1 has a hash with SHA-1"),
        ("ann:$2y$10$short\n", "line 1 has a bcrypt hash that is damaged"),
        ("ann:$y$j9T$abc\n", "line 1 has a hash of the kind `$y$`"),
        ("ann:$argon2id$v=19$abc\n", "line 1 has a hash of the kind `$argon2id$`"),
        ("ann:$P$abc$d\n", "line 1 has a hash of the kind `$P$`"),
        ("ann:{SSHA256}abc\n", "line 1 has a hash of the kind `{SSHA256}`"),
        ("ann:{CRYPT}abc\n", "line 1 has a hash of the kind `{CRYPT}`"),
    ] {
        let told = told(&of(inline));
        assert!(told.contains(why) && !told.contains("abc"), "{told}");
    }
}

#[test]
fn is_for_one_side_only() {
    let told = |config: &Config| config.wrongs().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told(&Config::default()).contains("neither `htpasswd`"));
    let both = Config { client_auth: Some(ClientConfig::default()), ..of("ann:x") };
    for part in ["client_auth: `htpasswd` is set, too", "client_auth.username: it is missing", "client_auth.password"] {
        assert!(told(&both).contains(part), "{part} in {}", told(&both));
    }
    assert!(told(&of("")).contains("it names nobody"));
}

#[tokio::test]
async fn sends_the_name_and_the_password_of_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("user"), "ann\n").unwrap();
    let client =
        ClientConfig { username_file: "user".into(), password: Secret::new("pass:word"), ..ClientConfig::default() };
    let config = Config { htpasswd: None, client_auth: Some(client) };
    let (id, metrics) = ("basicauth".parse().unwrap(), Metrics::new());
    let deps = Deps { id: &id, base: folder.path(), metrics: &metrics };
    assert!(config.server(&deps).unwrap().is_none());
    let client = config.client(&deps).unwrap().unwrap();
    let changes = client.credentials(&Origin::default()).await.unwrap();
    assert_eq!(changes[0].value, format!("Basic {}", STANDARD.encode("ann:pass:word")));
    assert!(client.is_secret());
}
