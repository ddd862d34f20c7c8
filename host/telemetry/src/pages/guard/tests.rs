//! Tests of what stands in `guard`: its promises, one sentence each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use host_component::{Denied, ServerAuth, Trigger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{Encrypt, Guard, Opened};
use crate::{Endpoint, Metrics, Page, Pages};

/// Lets in whoever says the word.
struct Word;

impl ServerAuth for Word {
    fn header(&self) -> &str {
        "authorization"
    }

    fn challenge(&self) -> String {
        "Bearer realm=\"test\"".to_owned()
    }

    fn admit<'a>(&'a self, value: Option<&'a [u8]>) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(async move {
            match value {
                Some(b"Bearer sesame") => Ok(()),
                Some(b"Bearer wait") => Err(Denied::Busy),
                _ => Err(Denied::Stranger("who are you?".to_owned())),
            }
        })
    }
}

/// Shakes hands with all but the first, who never comes to an end with it.
#[derive(Default)]
struct Slow {
    has_begun: AtomicBool,
    begun: Notify,
}

impl Encrypt for Slow {
    fn encrypt(self: Arc<Self>, stream: TcpStream) -> BoxFuture<'static, Option<Opened>> {
        Box::pin(async move {
            if !self.has_begun.swap(true, Ordering::SeqCst) {
                self.begun.notify_one();
                std::future::pending::<()>().await;
            }
            Some(Opened { stream: Box::new(stream), ended: Box::pin(std::future::pending()) })
        })
    }
}

/// Refuses everybody, or lets them in and has them leave.
struct Strict {
    lets_in: bool,
}

impl Encrypt for Strict {
    fn encrypt(self: Arc<Self>, stream: TcpStream) -> BoxFuture<'static, Option<Opened>> {
        let ended = Box::pin(std::future::ready("it is over".to_owned()));
        Box::pin(async move { self.lets_in.then(|| Opened { stream: Box::new(stream), ended }) })
    }
}

async fn serve(guard: Guard) -> (SocketAddr, Trigger) {
    let pages = Pages::new().with("/secret", |_| Page::text("the page".to_owned()));
    let endpoint = Endpoint::bind("127.0.0.1:0", "metrics", pages, guard).await.unwrap();
    let (address, (trigger, shutdown)) = (endpoint.address(), Trigger::new());
    tokio::spawn(endpoint.run(shutdown));
    (address, trigger)
}

async fn ask(address: SocketAddr, line: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn whoever_does_not_show_who_it_is_learns_how_to_and_nothing_of_the_pages() {
    let metrics = Metrics::new();
    let (address, _trigger) = serve(Guard::default().with_auth(Arc::new(Word), "metrics", &metrics)).await;
    for (line, headers) in [
        ("GET /secret", ""),
        ("GET /secret", "authorization: Bearer sesam\r\n"),
        ("GET /no-such-page", ""),
        ("POST /secret", "content-length: 0\r\n"),
    ] {
        let answer = ask(address, line, headers).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{line}: {answer}");
        assert!(answer.contains("\r\nwww-authenticate: Bearer realm=\"test\"\r\n"), "{line}: {answer}");
        assert!(answer.ends_with("\r\n\r\nwho are you?\n"), "{line}: {answer}");
    }
    let busy = ask(address, "GET /secret", "authorization: Bearer wait\r\n").await;
    assert!(busy.starts_with("HTTP/1.1 503 ") && !busy.contains("www-authenticate"), "{busy}");
    let page = ask(address, "GET /secret", "authorization: Bearer sesame\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("the page"), "{page}");
    assert_eq!(metrics.totals("tidegate_endpoint_requests_denied", "endpoint")["metrics"], 5);
}

#[tokio::test]
async fn who_never_ends_a_handshake_holds_up_nobody_else() {
    let slow = Arc::new(Slow::default());
    let (address, _trigger) = serve(Guard::default().with_tls(Arc::clone(&slow) as Arc<dyn Encrypt>)).await;
    let _silent = TcpStream::connect(address).await.unwrap();
    slow.begun.notified().await;
    assert!(ask(address, "GET /secret", "").await.ends_with("the page"));
}

#[tokio::test]
async fn a_connection_that_is_not_encrypted_or_may_not_stay_is_closed() {
    for lets_in in [false, true] {
        let (address, _trigger) = serve(Guard::default().with_tls(Arc::new(Strict { lets_in }))).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        // It may be told by a reset, too.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{lets_in}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_says_whether_it_is_encrypted() {
    for (guard, scheme) in
        [(Guard::default(), "http://"), (Guard::default().with_tls(Arc::new(Slow::default())), "https://")]
    {
        let endpoint = Endpoint::bind("127.0.0.1:0", "metrics", Pages::new(), guard).await.unwrap();
        assert_eq!(endpoint.url(), format!("{scheme}{}", endpoint.address()));
    }
}
