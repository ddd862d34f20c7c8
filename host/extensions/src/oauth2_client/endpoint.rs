//! The place where tokens are given out: one POST a token, on a connection of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use host_config::{Secret, Wrong, without_userinfo};
use host_tls::{ClientConfig, Connector, Stream, Target};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;

use super::token::{Token, parse, refusal};
use crate::Deps;

/// A larger answer is no token.
const ANSWER_BYTES: usize = 1 << 20;

/// What stands for itself nowhere in a form.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who asks.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Secret,
}

/// What a URL says.
pub(super) struct Place {
    uri: Uri,
    host: String,
    port: u16,
    pub(super) is_https: bool,
}

impl Place {
    pub(super) fn of(url: &str) -> Result<Place, Wrong> {
        without_userinfo("token_url", url)?;
        let wrong = || Wrong::new("token_url", format!("{url:?} is no address: `https://host/path` is expected"));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
        let host = host.filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Place { uri, host, port, is_https })
    }

    /// What encrypts the connection; none where the URL says `http`.
    pub(super) fn connector(
        &self,
        tls: ClientConfig,
        owner: &str,
        deps: &Deps<'_>,
    ) -> Result<Option<Connector>, Wrong> {
        if !self.is_https {
            return Ok(None);
        }
        let (host, base) = (self.host.as_str(), deps.base);
        tls.build(&Target { owner, key: "tls", host, https: true, alpn: &[b"http/1.1"], base }, deps.metrics)
    }
}

/// Asks for tokens.
pub(super) struct Endpoint {
    place: Place,
    tls: Option<Connector>,
    form: Vec<(String, String)>,
    timeout: Duration,
    /// Whether the server wants to be told in the form who asks, and not in a header.
    in_form: AtomicBool,
}

impl Endpoint {
    pub(super) fn new(place: Place, tls: Option<Connector>, form: Vec<(String, String)>, timeout: Duration) -> Self {
        Endpoint { place, tls, form, timeout, in_form: AtomicBool::new(false) }
    }

    /// Gets a token.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn token(&self, who: &Credentials) -> Result<Token, String> {
        let asked = self.ask(who);
        let answer = match self.timeout.is_zero() {
            true => asked.await,
            false => tokio::time::timeout(self.timeout, asked)
                .await
                .unwrap_or_else(|_| Err(format!("there was no answer within {:?}", self.timeout))),
        };
        // Without its query, which may hold what nobody else is to read.
        answer.map_err(|reason| format!("no token from {}{}: {reason}", self.place.host, self.place.uri.path()))
    }

    async fn ask(&self, who: &Credentials) -> Result<Token, String> {
        let in_form = self.in_form.load(Ordering::Relaxed);
        let (status, body) = self.post(who, in_form).await?;
        if status.is_success() {
            return parse(&body);
        }
        // Servers want one way or the other to be told who asks, and do not say which.
        if status.is_client_error() {
            let (status, body) = self.post(who, !in_form).await?;
            if status.is_success() {
                self.in_form.store(!in_form, Ordering::Relaxed);
                return parse(&body);
            }
        }
        Err(format!("the server answered {status}{}", refusal(&body)))
    }

    async fn post(&self, who: &Credentials, in_form: bool) -> Result<(StatusCode, Bytes), String> {
        let Place { uri, host, port, .. } = &self.place;
        let connected = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            match &self.tls {
                Some(tls) => tls.connect(stream).await,
                None => Ok(Stream::Plain(stream)),
            }
        };
        let stream = connected.await.map_err(|error| format!("cannot connect: {error}"))?;
        let broken = |error: hyper::Error| format!("the connection broke off: {error}");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let request = self.request(who, in_form, uri)?;
        let answered = async {
            let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?;
            Ok::<_, String>((head.status, body.to_bytes()))
        };
        // The connection lives for as long as this one answer takes.
        tokio::pin!(connection);
        tokio::pin!(answered);
        tokio::select! {
            biased;
            answer = &mut answered => answer,
            ended = &mut connection => match ended {
                Ok(()) => answered.await,
                Err(error) => Err(broken(error)),
            },
        }
    }

    fn request(&self, who: &Credentials, in_form: bool, uri: &Uri) -> Result<Request<Full<Bytes>>, String> {
        let (id, secret) = (who.id.as_str(), who.secret.as_str());
        let mut pairs: Vec<String> = self.form.iter().map(|(name, value)| pair(name, value)).collect();
        if in_form {
            pairs.extend([pair("client_id", id), pair("client_secret", secret)]);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path)
            .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !in_form {
            let user = STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret)));
            request = request.header(AUTHORIZATION, format!("Basic {user}"));
        }
        request.body(Full::new(pairs.join("&").into())).map_err(|error| format!("the request cannot be made: {error}"))
    }
}

fn pair(name: &str, value: &str) -> String {
    format!("{}={}", escaped(name), escaped(value))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}
