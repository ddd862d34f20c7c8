//! A runner is a task that carries batches of one group downstream for as long as something waits.
//!
//! There is one while the traffic is light. Another starts when a full batch has gathered while the first is under way,
//! or when what waits has waited for the timeout, up to the limit. A batch whose senders have all left is withdrawn: they
//! will send its data again, and until then nobody's budget pays for its bytes.

use std::ops::Range;
use std::sync::Arc;

use host_component::{Delivery, Outcome, spawn_in};
use host_telemetry::traces;
use tokio::sync::Notify;

use super::group::{Group, Waiting};
use super::processor::Desk;

/// How often a runner lets other tasks go first while they bring more to join.
const COURTESIES: usize = 4;

/// Counts a runner in that is about to be started.
pub(crate) fn enlist(group: &mut Group) {
    group.runners += 1;
    group.ready += 1;
}

/// Starts a runner that was counted in.
pub(crate) fn start(desk: Arc<Desk>, group: u64) {
    let span = desk.span.clone();
    let runner = Runner { desk, group, stage: Stage::Ready, bell: Arc::default() };
    spawn_in(span, runner.run());
}

/// One runner.
struct Runner {
    desk: Arc<Desk>,
    group: u64,
    stage: Stage,
    /// Rung when nobody waits for the batch any more.
    bell: Arc<Notify>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// About to take a batch.
    Ready,
    Sending,
    /// Counted out.
    Done,
}

impl Runner {
    async fn run(mut self) {
        loop {
            self.let_others_go_first().await;
            let Some(batch) = self.take() else { return };
            tokio::select! {
                biased;
                () = self.deliver(batch) => {}
                () = self.deserted() => tracing::debug!(processor = self.desk.id, "withdrew a batch that nobody waits for"),
            }
            self.set_ready();
        }
    }

    /// Gives those that are ready to bring something the chance to do so, since a larger batch costs less.
    async fn let_others_go_first(&self) {
        let mut seen = self.waiting();
        for _ in 0..COURTESIES {
            tokio::task::yield_now().await;
            let now = self.waiting();
            if now == seen || now.is_none() {
                return;
            }
            seen = now;
        }
    }

    /// How many wait; `None` if they fill a batch.
    fn waiting(&self) -> Option<usize> {
        let mut groups = self.desk.groups();
        groups.find(self.group).filter(|group| !self.desk.is_full(group)).map(|group| group.len())
    }

    /// The next batch; `None` if nothing waits, and then this runner is counted out.
    fn take(&mut self) -> Option<Vec<Waiting>> {
        let mut groups = self.desk.groups();
        let group = groups.find(self.group)?;
        let batch = group.take(self.desk.config.max_items(), self.desk.config.max_bytes(), &self.bell);
        group.ready -= 1;
        if batch.is_empty() {
            group.runners -= 1;
            self.stage = Stage::Done;
            return None;
        }
        self.stage = Stage::Sending;
        Some(batch)
    }

    fn set_ready(&mut self) {
        if let Some(group) = self.desk.groups().find(self.group) {
            group.has_returned(&self.bell);
            group.ready += 1;
            self.stage = Stage::Ready;
        }
    }

    /// Returns when the senders of the batch under way have all left.
    async fn deserted(&self) {
        loop {
            self.bell.notified().await;
            // The ringing may be left over from the batch before.
            if self.desk.groups().find(self.group).is_some_and(|group| group.is_deserted(&self.bell)) {
                return;
            }
        }
    }

    /// Sends a batch and answers its senders.
    ///
    /// When the data of one sender can never be delivered, the others must not fail with it: what was not taken is halved
    /// until the outcome is each sender's own. What was taken is not sent again.
    async fn deliver(&self, batch: Vec<Waiting>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            part.retain(|waiting| !waiting.answer.is_closed());
            let pieces = self.send(&part).await;
            let is_alone = part.len() == 1;
            let (mut again, mut end) = (Vec::new(), 0);
            for waiting in part {
                let start = end;
                end += waiting.delivery.payload.items();
                match settled(&pieces, start..end, is_alone) {
                    Some(outcome) => waiting.answer(outcome),
                    None => again.push(waiting),
                }
            }
            let tail = again.split_off(again.len() / 2);
            parts.extend([tail, again].into_iter().filter(|part| !part.is_empty()));
        }
    }

    /// Sends what `part` holds as one delivery, or in pieces where it is larger than a batch may be. A piece that can never
    /// be delivered holds up no other.
    async fn send(&self, part: &[Waiting]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let Some((first, rest)) = part.split_first() else { return pieces };
        let mut joined = first.delivery.clone();
        for waiting in rest {
            joined.payload.join(waiting.delivery.payload.clone());
        }
        let step =
            traces::joined(&self.desk.step, &[("processor", &self.desk.id)], part.iter().map(|waiting| &waiting.place));
        let config = &self.desk.config;
        let Delivery { payload, origin, route } = joined;
        let mut end = 0;
        for payload in payload.split(config.max_items(), config.max_bytes()) {
            let start = end;
            end += payload.items();
            let sent = &self.desk.sent;
            sent.all.inc();
            sent.items.observe(payload.items() as f64);
            sent.bytes.observe(payload.len() as f64);
            let consuming = self.desk.next.consume(Delivery { payload, origin: origin.clone(), route });
            let outcome = traces::within(step.as_ref(), consuming).await;
            let may_pass = matches!(&outcome, Err(failure) if !failure.is_permanent());
            pieces.push(Piece { items: start..if may_pass { u64::MAX } else { end }, outcome });
            if may_pass {
                break;
            }
        }
        pieces
    }
}

/// What became of one piece of a batch.
pub(super) struct Piece {
    /// Which items of the batch it held, with those behind it where these were not tried.
    pub(super) items: Range<u64>,
    pub(super) outcome: Outcome,
}

/// The answer to the sender of these items of a batch that went out in `pieces`; none where they are to be tried again
/// without the others, since somebody else's may be why nothing of them was taken.
pub(super) fn settled(pieces: &[Piece], items: Range<u64>, is_alone: bool) -> Option<Outcome> {
    let own = pieces.iter().filter(|piece| piece.items.start < items.end && items.start < piece.items.end);
    let own: Vec<&Outcome> = own.map(|piece| &piece.outcome).collect();
    let failures = || own.iter().filter_map(|outcome| outcome.as_ref().err());
    if let Some(failure) = failures().find(|failure| !failure.is_permanent()) {
        return Some(Err(failure.clone()));
    }
    let Some(failure) = failures().next() else { return Some(Ok(())) };
    // What was delivered of them must not be delivered twice.
    let is_settled = is_alone || own.iter().any(|outcome| outcome.is_ok());
    is_settled.then(|| Err(failure.clone()))
}

impl Drop for Runner {
    /// Cleans up behind a consumer that panicked: who waits is told, and the next sender starts a new runner.
    fn drop(&mut self) {
        if self.stage == Stage::Done {
            return;
        }
        if let Some(group) = self.desk.groups().find(self.group) {
            group.has_returned(&self.bell);
            group.runners -= 1;
            group.ready -= usize::from(self.stage == Stage::Ready);
            if group.runners == 0 {
                group.abandon();
            }
        }
    }
}
