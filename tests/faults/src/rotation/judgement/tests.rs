//! Lines, lives and arrivals, and what is said of them.

use super::super::Trouble;
use super::super::agent::Life;
use super::super::taker::Arrivals;
use super::super::truth::{Body, Gone, Line, Truth};
use super::{Case, Judgement};
use crate::payload::Number;

const LINE: u32 = 100;

/// One line, written when its body came, which stood there from then on.
fn truth(at: u32, gone: Option<Gone>) -> Truth {
    let mut truth = Truth { bodies: vec![Body { from: at, until: None, gone }], ..Truth::default() };
    truth.lines.push(vec![Line { body: 0, bytes: LINE, at }]);
    truth
}

fn life(from: u32, until: Option<u32>) -> Life {
    Life { from, until, refused: None }
}

fn judged(truth: &Truth, lives: &[Life], moments: &[u32]) -> Judgement {
    let mut arrivals = Arrivals::default();
    for moment in moments {
        arrivals.keep(Number { stream: 0, place: 0 }, *moment);
    }
    Case { truth, lives, now: 60_000, agent: 0 }.judge(&arrivals)
}

#[test]
fn a_line_is_owed_that_is_there_while_the_agent_runs() {
    let there = truth(1_000, None);
    for (lives, moments, owed, missing) in [
        (vec![life(1, None)], vec![2_000], 1, 0),
        (vec![life(1, None)], vec![], 1, 1),
        (vec![life(1, Some(3_000))], vec![], 0, 0),
        (vec![life(1, Some(3_000)), life(50_000, None)], vec![], 1, 1),
    ] {
        let judgement = judged(&there, &lives, &moments);
        assert_eq!((judgement.owed, judgement.missing), (owed, missing));
        assert_eq!(judgement.problems(Trouble::Kill).len() as u64, missing);
    }
}

#[test]
fn a_line_that_is_gone_is_owed_by_who_had_it_open_and_lived_on() {
    for (held, until, owed) in [(true, None, 1), (false, None, 0), (true, Some(10_000), 0), (true, Some(20_000), 1)] {
        let gone = truth(1_000, Some(Gone { at: 9_000, held: [held, false] }));
        assert_eq!(judged(&gone, &[life(1, until)], &[2_000]).owed, owed, "{held} {until:?}");
    }
}

#[test]
fn a_busy_machine_gives_all_more_time() {
    let mut there = truth(1_000, None);
    there.stall = 30_000;
    assert_eq!(judged(&there, &[life(1, None)], &[]).owed, 0);
}

#[test]
fn what_is_lost_has_to_be_counted_where_it_was_seen_and_may_be_where_it_was_not() {
    let lines = u64::from(LINE);
    for (gone_at, counts) in [(20_000, (lines, lines)), (2_000, (0, lines))] {
        let gone = truth(1_000, Some(Gone { at: gone_at, held: [false, true] }));
        let mut judgement = judged(&gone, &[life(1, None)], &[]);
        assert_eq!(judgement.counts, counts);
        judgement.counted = Some(0);
        assert_eq!(judgement.problems(Trouble::Slow).is_empty(), counts.0 == 0);
        judgement.counted = Some(2 * lines);
        assert_eq!(judgement.problems(Trouble::Slow).len(), 1);
    }
}

#[test]
fn a_line_may_come_twice_where_it_came_shortly_before_a_kill() {
    let there = truth(1_000, None);
    for (until, unexplained) in [(Some(3_500), 0), (Some(9_000), 1), (None, 1)] {
        let judgement = judged(&there, &[life(1, until), life(20_000, None)], &[3_000, 21_000]);
        assert_eq!((judgement.twice, judgement.unexplained), (1, unexplained), "{until:?}");
        assert!(!judgement.problems(Trouble::Refusing).is_empty());
        assert_eq!(judgement.problems(Trouble::Kill).len() as u64, unexplained);
    }
    let refused = Life { refused: Some(3_500), ..life(1, Some(9_000)) };
    let judgement = judged(&there, &[refused, life(20_000, None)], &[3_000, 21_000]);
    assert_eq!((judgement.twice, judgement.unexplained), (1, 0), "the backend took nothing from then on");
}
