//! The bucket: never more than its rate, and nobody waits in vain.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, proptest};
use tokio::time::Instant;

use super::{Bucket, LONGEST};

/// Rates and amounts from far below one to far above what anybody sends.
fn size() -> impl Strategy<Value = f64> {
    (-4.0..9.0).prop_map(|exponent: f64| 10f64.powf(exponent))
}

proptest! {
    #[test]
    fn no_more_comes_through_in_any_time_than_the_rate_and_a_burst_and_one(
        rate in size(),
        burst in 1u64..10_000,
        asks in vec((0u64..2_000, size()), 1..60),
    ) {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(rate, Duration::from_millis(burst), now);
        let mut taken: Vec<(Instant, f64)> = Vec::new();
        for (millis, amount) in asks {
            now += Duration::from_millis(millis);
            if bucket.wait(now).is_none() {
                bucket.take(amount);
                taken.push((now, amount));
            }
        }
        for (first, (start, _)) in taken.iter().enumerate() {
            let (mut sum, mut largest) = (0.0, 0f64);
            for (end, amount) in &taken[first..] {
                (sum, largest) = (sum + amount, largest.max(*amount));
                let most = rate * (burst as f64 / 1000.0 + (*end - *start).as_secs_f64()) + largest;
                prop_assert!(sum <= most * (1.0 + 1e-9), "{sum} of {most}");
            }
        }
    }

    #[test]
    fn whoever_waits_as_long_as_it_is_told_is_let_in_whatever_the_size(rate in size(), amounts in vec(size(), 1..20)) {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(rate, Duration::from_secs(1), now);
        for amount in amounts {
            if let Some(after) = bucket.wait(now) {
                prop_assert!(after > Duration::ZERO && after <= LONGEST);
                now += after;
                prop_assert!(after == LONGEST || bucket.wait(now).is_none());
            }
            if bucket.wait(now).is_none() {
                bucket.take(amount);
            }
        }
    }
}

#[test]
fn it_fills_up_to_its_burst_and_no_further() {
    let start = Instant::now();
    let mut bucket = Bucket::new(10.0, Duration::from_secs(2), start);
    assert_eq!(bucket.until_full(start), Duration::ZERO);
    bucket.take(25.0);
    assert_eq!(bucket.wait(start), Some(Duration::from_millis(501)));
    assert_eq!(bucket.until_full(start), Duration::from_millis(2501));
    let later = start + Duration::from_secs(3600);
    // A clock that was read a little before does no harm.
    assert_eq!((bucket.wait(later), bucket.wait(start)), (None, None));
    bucket.take(20.0);
    assert_eq!(bucket.wait(later), Some(Duration::from_millis(1)));
    bucket.take(-100.0);
    bucket.take(20.0);
    assert!(bucket.wait(later).is_some(), "what is given back does not come on top of its burst");
}
