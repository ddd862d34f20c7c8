//! The linear memories of a collector's guests, read from outside: by the kernel's map of the process, not by what the
//! process says of itself.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// What is written in the process: where guests may read and write.
pub(crate) struct GuestMemories(Vec<Vec<u8>>);

/// A part of the address space.
struct Mapping {
    start: u64,
    end: u64,
    writable: bool,
    reachable: bool,
}

/// Behind each guest's memory lies this much that nobody may touch at least: the rest of its four gigabytes, which are
/// what makes bounds checks needless. Nothing else in the process has that.
const GUARD: u64 = 3 << 30;

impl GuestMemories {
    /// Those of the process of this number.
    pub(crate) fn of(process: u32) -> Self {
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("the process has a map");
        let mappings: Vec<Mapping> = maps.lines().map(mapping).collect();
        let memory = File::open(format!("/proc/{process}/mem")).expect("a child's memory may be read");
        let guards =
            mappings.iter().enumerate().filter(|(_, guard)| !guard.reachable && guard.end - guard.start >= GUARD);
        let memories = guards.filter_map(|(at, guard)| {
            // An image of the module's data, and what was added to it.
            let mut start = guard.start;
            for before in mappings[..at].iter().rev().take_while(|before| before.writable) {
                if before.end != start {
                    break;
                }
                start = before.start;
            }
            let mut bytes = vec![0; usize::try_from(guard.start - start).unwrap()];
            memory.read_exact_at(&mut bytes, start).expect("what is mapped is there");
            (!bytes.is_empty()).then_some(bytes)
        });
        GuestMemories(memories.collect())
    }

    /// How many of them have this text in them.
    pub(crate) fn having(&self, text: &str) -> usize {
        let has = |memory: &&Vec<u8>| memory.windows(text.len()).any(|part| part == text.as_bytes());
        self.0.iter().filter(has).count()
    }
}

/// A line such as `7f12-7f34 rw-p …`.
fn mapping(line: &str) -> Mapping {
    let mut parts = line.split(' ');
    let (start, end) = parts.next().and_then(|range| range.split_once('-')).expect("a line starts with a range");
    let rights = parts.next().expect("and goes on with rights");
    let address = |digits| u64::from_str_radix(digits, 16).expect("an address is a number");
    Mapping {
        start: address(start),
        end: address(end),
        writable: rights.starts_with("rw"),
        reachable: !rights.starts_with("---"),
    }
}
