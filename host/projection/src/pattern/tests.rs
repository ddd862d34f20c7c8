//! Tests of what stands in `pattern`: its promises, one sentence each.

use std::sync::LazyLock;

use proptest::prelude::{any, prop_assert_eq, proptest};
use regex_automata::meta::Regex;

use super::scan::Scanner;
use super::{PatternError, Patterns, parse};
use crate::allowance::Allowance;
use crate::testing::{Spent, strings};
use crate::{Meter, PatternMatch, Unmetered};

/// Mail, card, social security number, address, and some of every other kind.
const ALL: [&str; 12] = [
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"\b(?:\d{4}[- ]?){3}\d{4}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"1+?",
    r"(?:1|12|123)",
    r"^a",
    r"b$",
    r"a*",
    r"(?i)é\d",
    r"\d+[a-c]*1",
    r"\B1",
];

fn compile(patterns: &[&str]) -> Patterns {
    Patterns::compile(&strings(patterns), 4096, 16 << 20, &mut Unmetered).unwrap()
}

/// The same, with each search watched.
fn watched(patterns: &[&str]) -> Patterns {
    let Patterns { gate, searcher, .. } = compile(patterns);
    let scanner = Scanner::new(&[], 0, &mut Unmetered).unwrap().leaving(patterns.len());
    Patterns { gate, scanner, searcher: searcher.always_watched() }
}

/// The matches in `cell`, which lies within other text.
fn find(patterns: &Patterns, cell: &[u8]) -> Vec<(u32, u32, u32)> {
    let buf = [b"1a@4", cell, b"b.cd 1234"].concat();
    let (start, end) = (4, 4 + cell.len());
    let mut matches: Vec<PatternMatch> = Vec::new();
    if patterns.may_match(&buf, start, end) {
        let mut meter = Unmetered;
        let mut allowance = Allowance::new(&mut meter, usize::MAX);
        patterns.find(&mut patterns.scratch(), &buf, (start, end), 7, &mut matches, &mut allowance);
    }
    assert!(matches.iter().all(|found| found.index == 7));
    matches.iter().map(|found| (found.start, found.pattern, found.end)).collect()
}

fn regex(pattern: &str) -> Regex {
    Regex::builder().build_from_hir(&parse(pattern).unwrap()).unwrap()
}

/// The same, one pattern after the other and by the book.
fn by_the_book(regexes: &[Regex], cell: &[u8]) -> Vec<(u32, u32, u32)> {
    let mut all = Vec::new();
    for (index, regex) in regexes.iter().enumerate() {
        all.extend(regex.find_iter(cell).map(|found| (found.start() as u32, index as u32, found.end() as u32)));
    }
    all.sort_by_key(|&(start, index, _)| (start, index));
    all
}

fn same(patterns: &[&str], cell: &[u8]) {
    let regexes: Vec<Regex> = patterns.iter().map(|pattern| regex(pattern)).collect();
    assert_eq!(find(&compile(patterns), cell), by_the_book(&regexes, cell), "{patterns:?} in {cell:?}");
}

#[test]
fn matches_are_those_of_each_pattern_alone() {
    let long = "user a.1@staff.example from 10.77.3.4 with 4929-1111-2222-3333; ssn 917-11-2222 ".repeat(3);
    for cell in ["", "1", "10.77.1.2", "x10.77.1.2", "10.77.1.2x", "a@b.cd", "4929111122223333", "123", "aab", &long] {
        same(&ALL, cell.as_bytes());
        for pattern in ALL {
            same(&[pattern], cell.as_bytes());
        }
    }
}

#[test]
fn a_pattern_that_others_search_for_is_not_compiled_again() {
    let (one, other) = (compile(&ALL), compile(&[ALL[3], "of one alone", ALL[0]]));
    assert_eq!(other.searcher.shared_with(&one.searcher), 2);
    let text = b"a@b.cd of one alone at 10.77.1.2";
    let found = find(&other, text);
    drop(one);
    assert_eq!(find(&other, text), found);
    assert_eq!(found.iter().map(|found| found.1).collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn caches_of_a_walk_are_kept_where_they_are_not_too_large_together() {
    // Patterns that no other test has, since caches are left to all.
    let patterns = watched(&[r"[a-z]+@one", r"[a-z]+@other"]);
    let search = |kept: usize| {
        let mut scratches: Vec<_> = [&patterns, &patterns].map(Patterns::scratch).into();
        let (mut matches, mut meter) = (Vec::new(), Unmetered);
        let mut allowance = Allowance::new(&mut meter, usize::MAX);
        for scratch in &mut scratches {
            patterns.find(scratch, b"a@one b@other", (0, 13), 0, &mut matches, &mut allowance);
        }
        assert_eq!(matches.len(), 4);
        let size = scratches.iter().map(super::Scratch::memory_usage).sum::<usize>();
        super::put_back_within(scratches, kept);
        (size, patterns.searcher.idle())
    };
    let (size, idle) = search(0);
    assert!(size > 0 && idle == 0, "{size} bytes, {idle} caches");
    assert_eq!(search(size - 1).1, 0, "each alone would have been kept");
    assert_eq!(search(size).1, 4);
    assert_eq!(search(size).1, 4, "those are used again");
}

#[test]
fn a_pattern_that_is_known_has_to_fit_all_the_same() {
    let known = compile(&["[a-f]{200}x"]);
    let size = known.searcher.memory_usage();
    let refused = Patterns::compile(&strings(&["[a-f]{200}x"]), 4096, size - 1, &mut Unmetered).err();
    assert_eq!(refused, Some(PatternError::Large { index: 0, limit: size - 1 }));
}

#[test]
fn what_lies_around_a_cell_does_not_count() {
    let patterns = compile(&["^a", "b$", r"\b\d{4}\b", r"1a@4x"]);
    assert_eq!(find(&patterns, b"ab"), [(0, 0, 1), (1, 1, 2)]);
    assert_eq!(find(&patterns, b"1234"), [(0, 2, 4)]);
    assert_eq!(find(&patterns, b"x"), []);
}

#[test]
fn classes_are_ascii() {
    for (pattern, cell, found) in [
        (r"\d", "٣", false),
        (r"\w", "é", false),
        (r"\W", "é", true),
        (r"[\w]", "é", false),
        (r"[^\w]", "é", true),
        (r"[\D]", "٣", true),
        (r"\s", "\u{a0}", false),
        (r"\s", "\u{c}", true),
        (r"\s", "\u{b}", false),
        (r"a\b", "aé", true),
        (r"\\d", r"\d", true),
        (r"[\]\d]", "]", true),
        (r"(?i)\w", "\u{17f}", false),
        (r"é", "é", true),
        (r"(?i)É", "é", true),
        (r"\p{L}", "é", true),
    ] {
        assert_eq!(!find(&compile(&[pattern]), cell.as_bytes()).is_empty(), found, "{pattern} in {cell}");
    }
}

#[test]
fn patterns_run_on_bytes_that_are_no_text() {
    assert_eq!(find(&compile(&[r"\d+", "é"]), b"\xff12\xfe\xc3"), [(1, 0, 3)]);
}

#[test]
fn a_cell_on_which_attempts_are_dear_is_searched_in_linear_time() {
    // Each digit starts an attempt that runs to the end.
    let cell = "1".repeat(20_000);
    same(&[r"\d+x", r"\d{3}"], cell.as_bytes());
    same(&[r"\b\d+x", r"\d+\b"], "1 2 3 ".repeat(2_000).as_bytes());
}

/// The matches of a search whose budget is spent as soon as the meter is asked.
fn spent(pattern: &str, cell: &[u8]) -> usize {
    let patterns = compile(&[pattern]);
    let (mut meter, mut matches) = (Spent, Vec::new());
    let mut allowance = Allowance::new(&mut meter, usize::MAX);
    patterns.find(&mut patterns.scratch(), cell, (0, cell.len()), 0, &mut matches, &mut allowance);
    assert!(allowance.is_spent());
    matches.len()
}

#[test]
fn searches_that_each_look_at_the_whole_cell_are_metered() {
    // Each search goes to the end and comes back with one letter.
    assert!(spent(".*[^A-Z]|[A-Z]", &[b'A'; 1 << 20]) < 10);
}

#[test]
fn a_large_pattern_on_a_large_cell_is_metered_within_the_search() {
    // At each byte some ten thousand attempts are under way, none of which can be told from the others.
    assert_eq!(spent("[ab]*a(?:[ab]{100}){100}aaa", &b"ab".repeat(1 << 20)), 0);
}

/// Why these patterns are refused.
fn bounded(patterns: &[String], meter: &mut dyn Meter) -> PatternError {
    Patterns::compile(patterns, 100, 1 << 20, meter).unwrap_err()
}

#[test]
fn a_wrong_pattern_is_told_of_in_one_line() {
    let told = |source: &str| bounded(&strings(&[source]), &mut Unmetered).of("patterns[0].regex");
    assert_eq!(told("ab(c"), "patterns[0].regex: unclosed group, at byte 2 of the pattern, at `(c`");
    let unknown = told(r"\p{Nothing}");
    assert!(unknown.starts_with("patterns[0].regex: Unicode property not found"), "{unknown}");
}

#[test]
fn compiling_ends_when_the_meter_runs_out() {
    assert_eq!(bounded(&strings(&["a"]), &mut Spent), PatternError::Overrun);
}

#[test]
fn patterns_are_bounded() {
    let compile = |patterns: &[String]| bounded(patterns, &mut Unmetered);
    assert_eq!(compile(&["a".to_owned(), "a".repeat(101)]), PatternError::Long { index: 1, limit: 100 });
    assert_eq!(compile(&strings(&[r"\w{500}{500}"])), PatternError::Large { index: 0, limit: 1 << 20 });
    assert!(matches!(compile(&strings(&["(?P<a"])), PatternError::Syntax { index: 0, .. }));
    assert!(matches!(compile(&strings(&[&"(".repeat(90)])), PatternError::Syntax { index: 0, .. }));
}

static COMPILED: LazyLock<Patterns> = LazyLock::new(|| compile(&ALL));

/// The usual four, of which three are scanned.
static FOUR: LazyLock<Patterns> = LazyLock::new(|| compile(&ALL[..4]));

static REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| ALL.iter().map(|pattern| regex(pattern)).collect());

static WATCHED: LazyLock<Patterns> = LazyLock::new(|| watched(&ALL));

proptest! {
    #[test]
    fn a_watched_search_finds_the_same_in_text(cell in "[0-4a-c@. é☃_-]{0,60}") {
        prop_assert_eq!(find(&WATCHED, cell.as_bytes()), by_the_book(&REGEXES, cell.as_bytes()));
    }

    #[test]
    fn a_watched_search_finds_the_same_in_bytes(cell in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(find(&WATCHED, &cell), by_the_book(&REGEXES, &cell));
    }

    #[test]
    fn random_text_matches_as_each_pattern_alone(cell in "[0-4a-c@. é_-]{0,60}") {
        prop_assert_eq!(find(&COMPILED, cell.as_bytes()), by_the_book(&REGEXES, cell.as_bytes()));
    }

    #[test]
    fn text_of_numbers_matches_as_each_pattern_alone(cell in "([0-9]{1,4}[-. ]?){0,40}") {
        prop_assert_eq!(find(&FOUR, cell.as_bytes()), by_the_book(&REGEXES[..4], cell.as_bytes()));
    }

    #[test]
    fn random_bytes_match_as_each_pattern_alone(cell in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(find(&COMPILED, &cell), by_the_book(&REGEXES, &cell));
    }

    #[test]
    fn no_pattern_makes_the_compiler_panic(pattern in "[a-c0-9\\\\dwsbDWSB(){}\\[\\]^$|?*+.,:<>=!i&~-]{0,20}") {
        let _ = Patterns::compile(&[pattern], 4096, 1 << 20, &mut Unmetered);
    }
}

proptest! {
    #[test]
    fn signs_of_a_piece_say_what_a_look_at_each_part_says(
        text in "[0-4a-c@. é_-]{0,80}", from in 0..80usize, len in 0..80usize,
    ) {
        for patterns in [&*FOUR, &*COMPILED] {
            let buf = text.as_bytes();
            let from = from.min(buf.len());
            let to = (from + len).min(buf.len());
            let signs = patterns.signs(buf, from, to);
            for start in from..=to {
                for end in start..=to {
                    let by_signs = patterns.may_match_by(signs, buf, (start, end));
                    prop_assert_eq!(by_signs, patterns.may_match(buf, start, end), "{}..{} in {}..{}", start, end, from, to);
                }
            }
        }
    }
}
