//! Bodies: reading one within its limits, and the few shapes of a reply.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use host_compression::Room as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::held::Held;
use super::status::{Cause, Rejection};

/// The next piece of data; `None` at the end. Trailers of a request mean nothing here.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Rejection> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Rejection::malformed(format!("the body broke off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads a whole body of at most `limit` bytes, which are held as they are announced or, without that, as they come.
pub(crate) async fn whole(
    body: &mut Incoming,
    limit: usize,
    hold: impl FnOnce(usize) -> Result<Held, Rejection>,
) -> Result<(Bytes, Held), Rejection> {
    let announced = body.size_hint().lower();
    let announced =
        usize::try_from(announced).ok().filter(|n| *n <= limit).ok_or_else(|| Rejection::too_large(limit))?;
    let mut held = hold(announced)?;
    let mut room = announced;
    let Some(first) = next(body).await? else { return Ok((Bytes::new(), held)) };
    if first.len() == announced && body.is_end_stream() {
        return Ok((first, held));
    }
    let mut out = BytesMut::with_capacity(announced);
    let mut data = Some(first);
    while let Some(piece) = data {
        if out.len() + piece.len() > limit {
            return Err(Rejection::too_large(limit));
        }
        let short = (out.len() + piece.len()).saturating_sub(room);
        if short > 0 && !held.grow(short) {
            return Err(held.no_room());
        }
        room += short;
        out.extend_from_slice(&piece);
        data = next(body).await?;
    }
    Ok((out.freeze(), held))
}

/// Waits for `future` no longer than `limit`, and has nothing then; a timer is only made when there is something to wait
/// for.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(output);
    }
    tokio::time::timeout(limit, future).await.ok()
}

/// Waits for `read` no longer than `limit`.
pub(crate) async fn in_time<T>(
    limit: Duration,
    read: impl Future<Output = Result<T, Rejection>>,
) -> Result<T, Rejection> {
    let late = || Err(Rejection::new(Cause::Slow, format!("the body did not arrive within {limit:?}")));
    within(limit, read).await.unwrap_or_else(late)
}

/// What a reply is made of.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A gRPC success: a message, then the status in the trailers.
    Message(Bytes),
    Trailers,
    Full(Bytes),
    Done,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (frame, next) = match std::mem::replace(&mut *self, Reply::Done) {
            Reply::Message(bytes) => (Frame::data(bytes), Reply::Trailers),
            Reply::Trailers => {
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
                (Frame::trailers(trailers), Reply::Done)
            }
            Reply::Full(bytes) if !bytes.is_empty() => (Frame::data(bytes), Reply::Done),
            Reply::Full(_) | Reply::Done => return Poll::Ready(None),
        };
        *self = next;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Reply::Done => true,
            Reply::Full(bytes) => bytes.is_empty(),
            Reply::Message(_) | Reply::Trailers => false,
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Reply::Full(bytes) => http_body::SizeHint::with_exact(bytes.len() as u64),
            Reply::Done => http_body::SizeHint::with_exact(0),
            Reply::Message(_) | Reply::Trailers => http_body::SizeHint::default(),
        }
    }
}
