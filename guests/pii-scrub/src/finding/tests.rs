//! Findings that overlap become one.

use super::{Finding, merge};

fn merged(findings: &[(u32, u32, u32)]) -> Vec<(u32, u32, u32)> {
    let mut list: Vec<Finding> = findings.iter().map(|&(start, end, rule)| Finding { start, end, rule }).collect();
    merge(&mut list);
    list.into_iter().map(|Finding { start, end, rule }| (start, end, rule)).collect()
}

#[test]
fn findings_apart_stay_apart() {
    assert_eq!(merged(&[]), []);
    assert_eq!(merged(&[(0, 4, 1), (4, 8, 0), (9, 10, 2)]), [(0, 4, 1), (4, 8, 0), (9, 10, 2)]);
}

#[test]
fn an_overlap_is_covered_whole_and_the_longest_decides() {
    assert_eq!(merged(&[(0, 9, 0), (4, 20, 1)]), [(0, 20, 1)]);
    assert_eq!(merged(&[(0, 16, 0), (4, 9, 1), (15, 18, 2)]), [(0, 18, 0)]);
}

#[test]
fn the_first_rule_decides_among_equals() {
    assert_eq!(merged(&[(3, 9, 4), (3, 9, 2)]), [(3, 9, 2)]);
    assert_eq!(merged(&[(3, 9, 2), (5, 11, 1)]), [(3, 11, 1)]);
}

#[test]
fn order_of_arrival_does_not_matter() {
    assert_eq!(merged(&[(10, 14, 0), (2, 6, 1), (5, 9, 2)]), [(2, 9, 1), (10, 14, 0)]);
}
