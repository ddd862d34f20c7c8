//! Tokens from a server that answers by a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_component::{ClientAuth, Failure, Origin};
use host_config::{Check as _, Secret};
use host_telemetry::Metrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Config;
use super::config::Values;
use crate::Deps;

/// A server of tokens.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Gives these answers, each a status and a body; the last again and again.
    async fn start(answers: &[(u16, &str)]) -> Server {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut answers: VecDeque<_> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let mut request = String::new();
                while !is_whole(&request) {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).await.unwrap();
                    assert_ne!(read, 0, "{request}");
                    request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                }
                seen.lock().unwrap().push(request);
                let (status, body) = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Server { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Somebody who gets tokens there.
    fn client(&self, change: impl FnOnce(&mut Config)) -> (Arc<dyn ClientAuth>, Metrics) {
        let mut config = Config {
            client_id: "me".to_owned(),
            client_secret: Secret::new("s e:cret"),
            token_url: format!("http://{}/token?x=1", self.address),
            ..Config::default()
        };
        change(&mut config);
        assert_eq!(config.wrongs(), []);
        let (id, metrics) = ("oauth2client".parse().unwrap(), Metrics::new());
        let client = config.build(&Deps { id: &id, base: Path::new("."), metrics: &metrics }).unwrap();
        (client, metrics)
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() == length.parse::<usize>().unwrap()
}

async fn header(client: &Arc<dyn ClientAuth>) -> Result<String, Failure> {
    let changes = client.credentials(&Origin::default()).await?;
    assert_eq!((changes.len(), changes[0].name.as_str()), (1, "authorization"));
    Ok(changes[0].value.clone())
}

#[tokio::test]
async fn asks_once_for_a_token_that_lasts_and_says_who_asks_and_for_what() {
    let server = Server::start(&[(200, r#"{"access_token":"one","token_type":"bearer","expires_in":3600}"#)]).await;
    let (client, metrics) = server.client(|config| {
        config.scopes = vec!["a".to_owned(), "b".to_owned()];
        config.endpoint_params.insert("audience".to_owned(), Values::Several(vec!["x&y".to_owned(), "z".to_owned()]));
    });
    let (first, second) = tokio::join!(header(&client), header(&client));
    assert_eq!((first, second), (Ok("Bearer one".to_owned()), Ok("Bearer one".to_owned())));
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /token?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("Basic {}", STANDARD.encode("me:s%20e%3Acret"))), "{request}");
    let body = "grant_type=client_credentials&scope=a%20b&audience=x%26y&audience=z";
    assert!(request.ends_with(body), "{request}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(metrics.total("tidegate_oauth2_tokens"), 1);
}

#[tokio::test]
async fn says_who_it_is_in_the_form_where_the_server_wants_that() {
    let answers = [(401, "{}"), (200, r#"{"access_token":"one","expires_in":"3600"}"#)];
    let server = Server::start(&answers).await;
    let (client, _) = server.client(|config| {
        config.endpoint_params.insert("resource".to_owned(), Values::One("hub".to_owned()));
    });
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()));
    let [in_header, in_form] = server.requests().try_into().unwrap();
    assert!(in_header.contains("authorization: Basic "), "{in_header}");
    assert!(!in_form.contains("authorization"), "{in_form}");
    assert!(in_form.ends_with("&resource=hub&client_id=me&client_secret=s%20e%3Acret"), "{in_form}");
}

#[tokio::test(start_paused = true)]
async fn replaces_a_token_after_half_of_its_life_and_uses_the_old_one_while_there_is_none() {
    let of = |name: &str| format!(r#"{{"access_token":"{name}","expires_in":60}}"#);
    let server = Server::start(&[(200, &of("one")), (503, "{}"), (200, &of("two"))]).await;
    let (client, metrics) = server.client(|config| config.timeout = Duration::ZERO);
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()));
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()));
    assert_eq!(server.requests().len(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()), "the server is away");
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()), "and is not asked again at once");
    assert_eq!(server.requests().len(), 2);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(header(&client).await, Ok("Bearer two".to_owned()));
    assert_eq!((metrics.total("tidegate_oauth2_tokens"), metrics.total("tidegate_oauth2_failures")), (2, 1));
}

#[tokio::test]
async fn says_why_there_is_no_token_in_the_form_that_makes_a_sender_try_again() {
    let refused = r#"{"error":"invalid_client","error_description":"no\nsuch client"}"#;
    let server = Server::start(&[(401, refused)]).await;
    let (client, _) = server.client(|_| {});
    let failure = header(&client).await.unwrap_err();
    let Failure::Retryable { reason, .. } = &failure else { panic!("{failure:?}") };
    assert!(reason.contains("401") && reason.contains("invalid_client: no such client"), "{reason}");
    assert!(!reason.contains("cret") && !reason.contains("x=1"), "{reason}");
    for (body, why) in [
        ("<html>", "no JSON"),
        (r#"{"access_token":"a\nb"}"#, "cannot stand in a header"),
        (r#"{"access_token":"a","expires_in":"soon"}"#, "`expires_in` is no number of seconds"),
        (r#"{"access_token":"a","expires_in":-1}"#, "`expires_in` is no number of seconds"),
        (r#"{"access_token":"a","expires_in":{}}"#, "`expires_in` is no number of seconds"),
    ] {
        let server = Server::start(&[(200, body)]).await;
        let failure = header(&server.client(|_| {}).0).await.unwrap_err();
        assert!(failure.to_string().contains(why), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn knows_an_end_however_it_is_written() {
    for (written, lasts) in [("90.5", 90), ("\"90\"", 89), ("9e1", 89)] {
        let body = format!(r#"{{"access_token":"one","expires_in":{written}}}"#);
        let server = Server::start(&[(200, &body)]).await;
        let (client, _) = server.client(|config| {
            config.timeout = Duration::ZERO;
            config.expiry_buffer = Duration::ZERO;
        });
        assert!(header(&client).await.is_ok());
        tokio::time::advance(Duration::from_secs(lasts)).await;
        assert!(header(&client).await.is_ok());
        assert_eq!(server.requests().len(), 1, "{written}");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(header(&client).await.is_ok());
        assert_eq!(server.requests().len(), 2, "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn forgets_a_token_that_was_refused_unless_it_is_new() {
    let of = |name: &str| format!(r#"{{"access_token":"{name}","expires_in":3600}}"#);
    let server = Server::start(&[(200, &of("one")), (200, &of("two"))]).await;
    let (client, _) = server.client(|config| config.timeout = Duration::ZERO);
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()));
    assert!(client.refused());
    assert_eq!(header(&client).await, Ok("Bearer one".to_owned()), "whoever is refused makes no storm of requests");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(client.refused());
    assert_eq!(header(&client).await, Ok("Bearer two".to_owned()));
}

#[test]
fn tells_no_password_in_its_url() {
    for url in ["https://me:secret@hub/token", "me:secret@hub"] {
        let told: Vec<String> = Config { token_url: url.to_owned(), ..Config::default() }
            .wrongs()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(told.iter().any(|told| told.starts_with("token_url: there is an `@`")), "{told:?}");
        assert!(!told.iter().any(|told| told.contains("secret@")), "{told:?}");
    }
}

#[test]
fn names_what_is_missing() {
    let config = Config { token_url: "token".to_owned(), grant_type: "password".to_owned(), ..Config::default() };
    let told: Vec<String> = config.wrongs().iter().map(ToString::to_string).collect();
    for part in ["client_id: it is missing", "client_secret: it is missing", "grant_type: only", "token_url: \"token\""]
    {
        assert!(told.iter().any(|told| told.starts_with(part)), "{part} in {told:?}");
    }
}
