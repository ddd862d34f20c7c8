//! The watch sees to it that nothing waits for longer than the timeout behind a batch that is under way.
//!
//! There is one for all groups, and only while there is something to watch: a timer for each batch would cost more than
//! a small batch does.

use std::sync::Arc;
use std::time::Duration;

use host_component::spawn;
use tokio::time::{Instant, sleep_until};

use super::processor::Desk;
use super::runner;

/// A timer of no time at all would never rest.
const SHORTEST: Duration = Duration::from_millis(1);

/// Starts the watch, which ends by itself.
pub(crate) fn start(desk: Arc<Desk>) {
    let owner = desk.id.clone();
    spawn("watch", &owner, async move {
        let mut next = Instant::now() + timeout(&desk);
        loop {
            sleep_until(next).await;
            let Some(at) = look(&desk) else { return };
            next = at;
        }
    });
}

fn timeout(desk: &Desk) -> Duration {
    desk.config.timeout.max(SHORTEST)
}

/// Starts a runner for each group that has waited too long; says when to look again, if there is still something to watch.
fn look(desk: &Arc<Desk>) -> Option<Instant> {
    let now = Instant::now();
    let mut next = now + timeout(desk);
    let mut overdue = Vec::new();
    let mut groups = desk.groups();
    desk.tidy(&mut groups);
    if groups.alive.is_empty() {
        groups.is_watched = false;
        return None;
    }
    for group in &mut groups.alive {
        let Some(due) = group.since().map(|since| since + timeout(desk)) else { continue };
        if due > now {
            next = next.min(due);
        } else if group.ready == 0 && group.runners < desk.config.max_in_flight {
            runner::enlist(group);
            overdue.push(group.id);
        }
    }
    drop(groups);
    for group in overdue {
        desk.sent.by_timeout.inc();
        runner::start(desk.clone(), group);
    }
    Some(next)
}
