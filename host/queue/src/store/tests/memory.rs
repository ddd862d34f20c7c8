//! What is still in memory need not be read back.

use super::{ALONE, EMFILE, Shim, Taken, append, drain, numbered, open_with, texts};

#[test]
fn what_is_still_in_memory_comes_in_its_order_and_is_what_would_have_been_read() {
    let mut random = fastrand::Rng::with_seed(7);
    for memory in [0, 200, 1_000, 1 << 20] {
        let shim = Shim::default();
        let (store, _) = open_with(&shim, memory);
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        while wanted.len() < 600 {
            let group: Vec<String> = (0..random.usize(1..6))
                .map(|n| format!("n{:06}{}", wanted.len() + n, "-".repeat(random.usize(..90))))
                .collect();
            append(&store, &group.iter().map(String::as_str).collect::<Vec<_>>());
            wanted.extend(group);
            assert!(store.memory() <= memory);
            for _ in 0..random.usize(..5) {
                let taken = store.take_at_hand(ALONE).unwrap_or_else(|| store.take(ALONE));
                found.extend(texts(&taken));
                match random.bool() {
                    true => taken.into_iter().for_each(Taken::done),
                    // It comes again, from the disk.
                    false => found.truncate(found.len() - taken.len()),
                }
            }
        }
        found.extend(drain(&store));
        assert_eq!((found, store.memory(), store.usage().records), (wanted, 0, 0), "{memory}");
        let lost = store.take_damage();
        assert_eq!((lost.bytes, lost.lost.records), (0, 0));
    }
}

#[test]
fn an_exporter_that_keeps_up_reads_nothing_from_the_disk() {
    let shim = Shim::default();
    let (store, _) = open_with(&shim, 1 << 20);
    assert!(store.take_at_hand(ALONE).is_some_and(|nothing| nothing.is_empty()));
    for text in numbered("r", 5) {
        append(&store, &[&text]);
        shim.state().fails_read = Some(EMFILE);
        let taken = store.take_at_hand(ALONE).unwrap();
        assert_eq!(texts(&taken), [text]);
        taken.into_iter().for_each(Taken::done);
    }
    append(&store, &["back"]);
    drop(store.take_at_hand(ALONE));
    assert!(store.take_at_hand(ALONE).is_none(), "what was put back has to be read");
    shim.state().fails_read = None;
    assert_eq!(drain(&store), ["back"]);
}
