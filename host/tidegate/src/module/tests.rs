//! Tests of what the tools share: its promises, one sentence each.

use anyhow::anyhow;

use super::told::{causes, plain};
use super::{counted, grouped};

#[test]
fn numbers_are_grouped_by_thousands() {
    let grouped: Vec<String> = [0, 999, 1_000, 65_536, 1_234_567].map(grouped).to_vec();
    assert_eq!(grouped, ["0", "999", "1,000", "65,536", "1,234,567"]);
    let counted: Vec<String> = [0, 1, 2_000].map(|count| counted(count, "span")).to_vec();
    assert_eq!(counted, ["0 spans", "1 span", "2,000 spans"]);
}

#[test]
fn causes_are_told_once_and_line_by_line() {
    let error = anyhow!("one\ntwo").context("the file cannot be used: one\ntwo").context("cannot start");
    assert_eq!(causes(&error), "  the file cannot be used: one\n  two");
    assert_eq!(causes(&anyhow!("alone")), "");
}

#[test]
fn what_turns_a_terminals_head_is_told_and_not_done() {
    assert_eq!(plain("a\u{1b}[31m\u{9b}\nü✓"), r"a\u{1b}[31m\u{9b}\nü✓");
}
