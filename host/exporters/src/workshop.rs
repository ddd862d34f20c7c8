//! The workshop is where requests are made that take a while: off the threads that carry them, and only so many at a time,
//! so that no requests without an owner pile up before the threads.

use std::io;
use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;
use host_compression::{Coding, pack};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// What is made of so few bytes is made at once.
const INLINE: usize = 16 << 10;

/// The workshop of one exporter.
#[derive(Debug)]
pub(crate) struct Workshop {
    turns: Arc<Semaphore>,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Workshop { turns: Arc::new(Semaphore::new(threads)) }
    }

    /// Does some work on so many bytes. Who leaves takes the result along, and not the turn.
    ///
    /// # Errors
    /// When the process ends.
    pub(crate) async fn make<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        if bytes <= INLINE {
            return Ok(work());
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(io::Error::other)?;
        let making = spawn_blocking(move || {
            let made = work();
            drop(turn);
            made
        });
        making.await.map_err(io::Error::other)
    }
}

/// A body, compressed where there is a coding with its level.
///
/// # Errors
/// When the library fails, which no input should make it do.
pub(crate) fn packed(coding: Option<(Coding, Option<i32>)>, body: Vec<Bytes>) -> io::Result<Vec<Bytes>> {
    let Some((coding, level)) = coding else { return Ok(body) };
    let len = body.iter().map(Bytes::len).sum();
    let mut out = Vec::with_capacity(len / 4);
    pack(coding, level, body.iter().map(|piece| &piece[..]), len, &mut out)?;
    Ok(vec![out.into()])
}
