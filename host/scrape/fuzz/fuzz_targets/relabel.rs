//! Whatever rules are written: they are refused, or leave labels in order and without empty values.

#![no_main]

use host_scrape::probe::relabeled;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (rules, labels) = text.split_once("\n---\n").unwrap_or((&text, "a=1\nb=2"));
    if let Some(labels) = relabeled(rules, labels) {
        assert!(labels.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(labels.iter().all(|(_, value)| !value.is_empty()));
    }
});
