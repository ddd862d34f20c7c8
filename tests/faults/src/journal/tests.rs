//! What a duplicate is explained by.

use super::*;

fn journal(entries: &[(Place, u32, Option<u32>)]) -> Journal {
    let journal = Journal::new();
    let entries = entries.iter().map(|&(place, from, until)| Entry { place, from, until });
    *journal.entries.lock().unwrap() = entries.collect();
    journal
}

fn journey() -> Journey {
    Journey { backend: 1, attempts: 1, sent: 100_000, first_arrival: 110_000, arrival: 120_000 }
}

#[test]
fn takes_what_the_client_sent_twice_as_the_clients() {
    let journal = journal(&[(Place::Gateway, 115_000, None)]);
    assert_eq!(journal.explain(&Journey { attempts: 2, ..journey() }), Cause::SentAgain);
}

#[test]
fn names_what_was_broken_between_the_two_arrivals() {
    assert_eq!(journal(&[(Place::Gateway, 115_000, Some(115_100))]).explain(&journey()), Cause::Gateway);
    assert_eq!(journal(&[(Place::Backend(1), 90_000, None)]).explain(&journey()), Cause::ThisBackend);
    assert_eq!(journal(&[(Place::Agent, 105_000, Some(105_001))]).explain(&journey()), Cause::Agent);
    assert_eq!(journal(&[(Place::AgentHop, 105_000, Some(106_000))]).explain(&journey()), Cause::AgentHop);
    assert_eq!(journal(&[(Place::Backend(0), 105_000, Some(106_000))]).explain(&journey()), Cause::OtherBackend);
}

#[test]
fn explains_nothing_by_what_was_mended_long_before_or_broken_after() {
    let journal = journal(&[(Place::Gateway, 10_000, Some(11_000)), (Place::Backend(1), 120_001, None)]);
    assert_eq!(journal.explain(&journey()), Cause::Unexplained);
}
