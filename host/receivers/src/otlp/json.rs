//! OTLP/JSON: its text becomes an encoded request before anything else sees it.

use bytes::Bytes;
use host_component::Signal;
use host_compression::Room as _;
use host_otlp::json::{ReadError, read};
use tokio::task::spawn_blocking;

use super::held::Held;
use super::intake::Intake;
use super::status::{Cause, Rejection};

/// What is read without leaving the task: less than a millisecond's work.
const INLINE: usize = 64 << 10;

/// Reads `text`, which `held` stands for. When it is done, that stands for what came out.
pub(crate) async fn encoded(
    intake: &Intake,
    signal: Signal,
    text: Bytes,
    mut held: Held,
) -> Result<(Bytes, Held), Rejection> {
    let (limits, most) = (intake.limits, intake.max_message);
    let is_short = text.len() <= INLINE;
    let work = move || {
        let request = read(signal, &text, &limits, most, &mut |bytes| held.grow(bytes));
        let request = request.map_err(|error| match error {
            ReadError::Malformed(why) => Rejection::malformed(format!("this is no OTLP in JSON: {why}")),
            ReadError::TooLarge(limit) => Rejection::too_large(limit),
            ReadError::NoRoom => held.no_room(),
        })?;
        held.shrink_to(request.bytes.len());
        Ok::<_, Rejection>((request, held))
    };
    let (request, held) = if is_short {
        work()?
    } else {
        let gone = |_| Rejection::new(Cause::Retryable, "the thread that reads the request has ended");
        spawn_blocking(work).await.map_err(gone)??
    };
    intake.note_unknown(request.unknown_keys);
    Ok((request.bytes, held))
}
