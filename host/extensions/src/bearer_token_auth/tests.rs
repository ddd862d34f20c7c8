//! Tokens that are taken and sent, and files of them.

use std::time::Duration;

use host_component::{ClientAuth as _, Origin, ServerAuth as _};
use host_config::{Check as _, Secret};
use host_telemetry::Metrics;
use tokio::time::advance;

use super::{Bearer, Config};
use crate::Deps;

fn build(config: Config, folder: &std::path::Path) -> Bearer {
    let (id, metrics) = ("bearertokenauth".parse().unwrap(), Metrics::new());
    config.build(&Deps { id: &id, base: folder, metrics: &metrics }).unwrap_or_else(|wrong| panic!("{wrong}"))
}

async fn sent(bearer: &Bearer) -> (String, String) {
    let change = bearer.credentials(&Origin::default()).await.unwrap().remove(0);
    (change.name, change.value)
}

#[tokio::test]
async fn takes_each_of_its_tokens_and_sends_the_first() {
    let tokens = ["one", "two"].map(Secret::new).to_vec();
    let bearer = build(Config { tokens, header: "X-Token".to_owned(), ..Config::default() }, ".".as_ref());
    assert_eq!(bearer.header(), "x-token");
    for (value, is_in) in
        [(&b"Bearer one"[..], true), (b"Bearer two", true), (b"Bearer three", false), (b"one", false), (b"", false)]
    {
        assert_eq!(bearer.admit(Some(value)).await.is_ok(), is_in, "{value:?}");
    }
    let denied = bearer.admit(None).await.unwrap_err();
    assert_eq!(denied.to_string(), "missing or empty authorization header: x-token");
    assert_eq!(sent(&bearer).await, ("x-token".to_owned(), "Bearer one".to_owned()));
}

#[test]
fn asks_for_its_scheme_where_that_is_one() {
    for (scheme, challenge) in [("Bearer", "Bearer"), ("Token", "Token"), ("", "Bearer"), ("a b", "Bearer")] {
        let config = Config { token: Secret::new("one"), scheme: scheme.to_owned(), ..Config::default() };
        assert_eq!(build(config, ".".as_ref()).challenge(), format!("{challenge} realm=\"tidegate\""), "{scheme:?}");
    }
}

#[tokio::test]
async fn takes_a_token_of_the_configuration_as_it_stands() {
    let (token, tokens) = (Secret::new("a b  c"), vec![Secret::new("a b"), Secret::new("c # d")]);
    let one = build(Config { token, ..Config::default() }, ".".as_ref());
    assert_eq!(sent(&one).await.1, "Bearer a b  c");
    assert!(one.admit(Some(b"Bearer a b  c")).await.is_ok() && one.admit(Some(b"Bearer a")).await.is_err());
    let several = build(Config { tokens, ..Config::default() }, ".".as_ref());
    assert!(several.admit(Some(b"Bearer c # d")).await.is_ok() && several.admit(Some(b"Bearer c")).await.is_err());
    for (token, told) in [("a\nb", "token: it cannot stand in a header"), (" ", "token: there is no token in it")] {
        let config = Config { token: Secret::new(token), ..Config::default() };
        assert!(config.values(&|_| unreachable!()).unwrap_err().to_string().starts_with(told), "{token:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_its_file_anew_when_that_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "\n  one # of ann\ntwo\n").unwrap();
    let config =
        Config { filename: "tokens".into(), token: Secret::new("ignored"), scheme: String::new(), ..Config::default() };
    let bearer = build(config, folder.path());
    assert_eq!(sent(&bearer).await.1, "one");
    assert!(bearer.admit(Some(b"two")).await.is_ok() && bearer.admit(Some(b"ignored")).await.is_err());
    std::fs::write(&path, "three\n").unwrap();
    advance(Duration::from_secs(1)).await;
    assert_eq!(sent(&bearer).await.1, "three");
    assert!(bearer.admit(Some(b"one")).await.is_err());
    std::fs::write(&path, "\n").unwrap();
    advance(Duration::from_secs(1)).await;
    assert_eq!(sent(&bearer).await.1, "three", "a file without a token takes none away");
}

#[test]
fn refuses_what_leaves_open_which_token_is_meant() {
    let told = |config: &Config| config.wrongs().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told(&Config::default()).contains("there is no token"));
    let (token, tokens) = (Secret::new("a"), vec![Secret::new("b")]);
    assert_eq!(told(&Config { token: token.clone(), ..Config::default() }), "");
    assert!(told(&Config { token, tokens, ..Config::default() }).contains("tokens: `token` is set, too"));
    let config = Config { token: Secret::new("a\u{7f}b"), header: "a b".to_owned(), ..Config::default() };
    assert!(told(&config).contains("header: it is no name of a header"));
    let wrong = config.values(&|_| unreachable!("there is no file")).unwrap_err();
    assert!(wrong.to_string().starts_with("token: it cannot stand in a header"), "{wrong}");
}
