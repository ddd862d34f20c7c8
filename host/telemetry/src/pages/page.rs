//! What one path answers: a text that is there as a whole, or one that goes on for as long as somebody reads.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use super::asked::Asked;
use super::document;

/// An answer.
pub struct Page {
    status: StatusCode,
    content_type: &'static str,
    /// How whoever asks is to show who it is.
    challenge: Option<HeaderValue>,
    body: Body,
}

enum Body {
    Whole(String),
    Stream(mpsc::Receiver<Bytes>),
}

type Chunks = std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

impl Page {
    pub fn text(body: String) -> Self {
        Page::of("text/plain; version=0.0.4; charset=utf-8", Body::Whole(body))
    }

    pub fn json(body: String) -> Self {
        Page::of("application/json", Body::Whole(body))
    }

    /// Data as a page for a browser, and as JSON for everybody else.
    pub fn document(title: &str, data: &Value, asked: &Asked) -> Self {
        if !asked.wants_html {
            return Page::json(format!("{data:#}\n"));
        }
        Page::of("text/html; charset=utf-8", Body::Whole(document::html(title, data)))
    }

    /// Text that comes piece by piece, until whoever has the other end lets go of it.
    pub fn stream(pieces: mpsc::Receiver<Bytes>) -> Self {
        Page::of("text/plain; charset=utf-8", Body::Stream(pieces))
    }

    fn of(content_type: &'static str, body: Body) -> Self {
        Page { status: StatusCode::OK, content_type, challenge: None, body }
    }

    /// The same page with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Page { status, ..self }
    }

    /// The same page with the status 503.
    #[must_use]
    pub fn unavailable(self) -> Self {
        self.with_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The same page with the status 401, and how whoever asks is to show who it is.
    pub(super) fn challenging(self, challenge: &str) -> Self {
        let challenge = HeaderValue::try_from(challenge).ok();
        Page { challenge, ..self.with_status(StatusCode::UNAUTHORIZED) }
    }

    pub(super) fn into_response(self) -> Response<Either<Full<Bytes>, StreamBody<Chunks>>> {
        let body = match self.body {
            Body::Whole(text) => Either::Left(Full::new(Bytes::from(text))),
            Body::Stream(pieces) => Either::Right(StreamBody::new(chunks(pieces))),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn chunks(pieces: mpsc::Receiver<Bytes>) -> Chunks {
    Box::pin(stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((Ok(Frame::data(piece)), pieces))
    }))
}
