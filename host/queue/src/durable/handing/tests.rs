//! Tests of what stands in `handing`: its promises, one sentence each.

use std::time::Duration;

use host_config::delivery::Retry;

use super::longer;

#[test]
fn a_pause_grows_up_to_the_longest_whatever_it_is_multiplied_by() {
    let (second, most) = (Duration::from_secs(1), Duration::from_secs(30));
    for (multiplier, wanted) in
        [(1.5, Duration::from_millis(1500)), (1e300, most), (f64::INFINITY, most), (f64::NAN, most)]
    {
        let retry = Retry { multiplier, max_interval: most, ..Retry::default() };
        assert_eq!(longer(second, &retry), wanted, "{multiplier}");
    }
}
