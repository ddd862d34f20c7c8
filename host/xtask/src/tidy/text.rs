//! Words that no file may have.

use super::is_rust;

/// Notes to oneself: what is left to do belongs into an issue.
const NOTES: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];

/// Where packages come from is the machine's business: a host name here works in one network only.
const HOSTS: [&str; 5] = [
    concat!("arti", "factory"),
    concat!("j", "frog"),
    concat!("pypi", ".org"),
    concat!("proxy.gol", "ang.org"),
    concat!("index.cra", "tes.io"),
];

/// Files that others write: pinned versions and their sums.
const WRITTEN_BY_TOOLS: [&str; 3] = ["Cargo.lock", "go.sum", "go.mod"];

pub(crate) fn check(path: &str, content: &str) -> Vec<String> {
    if WRITTEN_BY_TOOLS.iter().any(|name| path.ends_with(name)) {
        return Vec::new();
    }
    let is_code = is_rust(path) && !is_test(path);
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(content.lines()) {
        for note in NOTES.iter().filter(|note| text.contains(**note)) {
            problems.push(format!("{path}:{line}: {note} is left in the file"));
        }
        for host in HOSTS.iter().filter(|host| text.contains(**host)) {
            problems.push(format!("{path}:{line}: {host} is the host of a registry"));
        }
        if is_code && !text.trim_start().starts_with("//") && text.contains(concat!(".unw", "rap()")) {
            problems.push(format!("{path}:{line}: unwrap outside tests; `expect` states the invariant"));
        }
    }
    problems
}

fn is_test(path: &str) -> bool {
    let integration =
        path.starts_with("tests/") && !["tests/bench/", "tests/faults/"].iter().any(|own| path.starts_with(own));
    integration
        || path.contains("/tests/")
        || ["/tests.rs", "/testing.rs"].iter().any(|end| path.ends_with(end))
        || path.contains("/fuzz/")
        || path.contains("/testing/")
}
