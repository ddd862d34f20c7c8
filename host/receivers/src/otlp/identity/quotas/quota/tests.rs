//! The quota of one identity: what its requests come to, at once and one after the other.

use std::sync::Arc;
use std::time::Duration;

use host_component::Signal;
use host_identity::Limits;
use host_telemetry::Metrics;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tokio::time::Instant;

use super::{Announced, Limit, Quota, Share};
use crate::otlp::identity::quotas::refusals::Refusals;
use crate::otlp::status::Rejection;

fn quota(limits: &Limits, now: Instant) -> Arc<Quota> {
    Arc::new(Quota::new("edge", limits, Arc::new(Refusals::new("otlp", &Metrics::new())), now))
}

fn per_second(bytes: usize) -> Limits {
    Limits { mib_per_second: Some(bytes as f64 / f64::from(1 << 20)), ..Limits::default() }
}

/// A request of so many bytes.
fn logs(bytes: usize) -> Announced {
    Announced { signal: Signal::Logs, bytes, largest: 1 << 20 }
}

fn told(outcome: Result<Share, Rejection>) -> (String, Duration) {
    let rejection = outcome.err().expect("it is refused");
    (rejection.message, rejection.after.expect("it is told when to come again"))
}

#[test]
fn a_refusal_says_who_has_no_more_of_what_and_for_how_long() {
    let now = Instant::now();
    let limits = Limits { requests_per_second: Some(2.0), items_per_second: Some(10.0), ..Limits::default() };
    let quota = quota(&limits, now);
    let mut share = quota.share(logs(1), now).unwrap();
    share.settle(Limit::Items, 40);
    drop(share);
    // Of several limits it is the one that takes longest.
    let (message, after) = told(quota.share(logs(1), now));
    assert_eq!(after, Duration::from_millis(3001));
    assert!(message.contains("\"edge\"") && message.contains("its items_per_second of 10 is used up"), "{message}");
    assert!(quota.share(logs(1), now + after).is_ok());
}

#[test]
fn requests_that_come_at_once_count_by_what_others_came_to_before_any_of_them_is_unpacked() {
    let now = Instant::now();
    let limits = Limits { items_per_second: Some(1000.0), ..per_second(100_000) };
    let quota = quota(&limits, now);
    for _ in 0..20 {
        let mut share = quota.share(logs(100), now + Duration::from_secs(1)).unwrap();
        share.settle(Limit::Bytes, 1000);
        share.settle(Limit::Items, 50);
    }
    let now = now + Duration::from_secs(10);
    let at_once: Vec<_> = (0..100).map_while(|_| quota.share(logs(100), now).ok()).collect();
    // 50 items each, of 1,000.
    assert_eq!(at_once.len(), 20);
    // None of them came to as much.
    for mut share in at_once {
        share.settle(Limit::Bytes, 100);
        share.settle(Limit::Items, 1);
    }
    assert!(quota.share(logs(100), now).is_ok());
    // What another signal comes to is another matter.
    let metrics = Announced { signal: Signal::Metrics, ..logs(100) };
    assert_eq!((0..100).map_while(|_| quota.share(metrics, now).ok()).collect::<Vec<_>>().len(), 100);
}

#[test]
fn a_request_that_comes_to_nothing_counts_by_the_room_that_it_took() {
    let now = Instant::now();
    let quota = quota(&per_second(1000), now);
    let mut bomb = quota.share(logs(10), now).unwrap();
    assert!(bomb.grow(4990));
    bomb.shrink_to(10);
    drop(bomb);
    assert_eq!(told(quota.share(logs(10), now)).1, Duration::from_millis(4001));
}

#[test]
fn what_is_in_flight_grows_as_far_as_there_is_room_and_is_given_back() {
    const MIB: usize = 1 << 20;
    let now = Instant::now();
    let quota = quota(&Limits { in_flight_mib: Some(4), ..Limits::default() }, now);
    let (mut first, second) = (quota.share(logs(MIB), now).unwrap(), quota.share(logs(MIB), now).unwrap());
    assert!(first.grow(2 * MIB) && !first.grow(1));
    assert!(first.no_room(now).message.contains("its in_flight_mib of 4 is used up"));
    assert!(told(quota.share(logs(1), now)).0.contains("in_flight_mib"));
    first.shrink_to(MIB);
    assert!(quota.share(logs(2 * MIB), now).is_ok());
    drop((first, second));
    assert!(quota.share(logs(4 * MIB), now).is_ok());
    assert!(quota.share(logs(usize::MAX), now).is_err());
}

/// What happens to a request, or how much time goes by.
#[derive(Clone, Debug)]
enum Step {
    Begin { announced: usize, bytes: usize },
    Grow(usize),
    Settle(usize),
    Drop(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let index = || any::<usize>();
    prop_oneof![
        4 => (0usize..3000, 0usize..20_000).prop_map(|(announced, bytes)| Step::Begin { announced, bytes }),
        1 => index().prop_map(Step::Grow),
        3 => index().prop_map(Step::Settle),
        1 => index().prop_map(Step::Drop),
        2 => (0u64..500).prop_map(Step::Wait),
        1 => Just(Step::Wait(0)),
    ]
}

proptest! {
    #[test]
    fn no_more_comes_through_than_the_rate_and_a_burst_and_what_is_open_at_once(
        rate in 100usize..50_000,
        steps in vec(step(), 1..150),
    ) {
        const MIB: usize = 1 << 20;
        let start = Instant::now();
        let mut now = start;
        let quota = quota(&Limits { in_flight_mib: Some(1), ..per_second(rate) }, now);
        // Each with what it will come to.
        let mut open: Vec<(Share, usize)> = Vec::new();
        let (mut through, mut most_open, mut held) = (0, 0, 0);
        for step in steps {
            match step {
                Step::Begin { announced, bytes } => match quota.share(logs(announced), now) {
                    Ok(share) => open.push((share, bytes.max(announced))),
                    Err(refused) => prop_assert!(refused.after.is_some_and(|after| !after.is_zero())),
                },
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Grow(_) | Step::Settle(_) | Step::Drop(_) if open.is_empty() => {}
                Step::Grow(index) => {
                    let index = index % open.len();
                    let (share, bytes) = &mut open[index];
                    if share.bytes < *bytes {
                        let _ = share.grow(*bytes - share.bytes);
                    }
                }
                Step::Settle(index) => {
                    let (mut share, bytes) = open.swap_remove(index % open.len());
                    share.settle(Limit::Bytes, bytes as u64);
                    through += bytes;
                }
                Step::Drop(index) => {
                    let (share, _) = open.swap_remove(index % open.len());
                    through += share.most;
                }
            }
            most_open = most_open.max(open.iter().map(|(_, bytes)| bytes).sum::<usize>());
            held = held.max(quota.state().in_flight);
            let most = rate as f64 * (1.0 + (now - start).as_secs_f64()) + most_open as f64;
            prop_assert!(through as f64 <= most + 1.0, "{through} of {most}");
            prop_assert_eq!(open.iter().map(|(share, _)| share.bytes).sum::<usize>(), quota.state().in_flight);
        }
        prop_assert!(held <= MIB);
        drop(open);
        // Whatever it owes, an hour later it is let in again, with all that it may have in flight.
        now += Duration::from_secs(3600);
        prop_assert!(quota.share(logs(MIB), now).is_ok());
    }
}
