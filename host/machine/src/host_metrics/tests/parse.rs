//! Readers on what nobody would write.

use proptest::prelude::*;

use super::super::parse::{count_connections, mounts, numbers, probe, process_state, stat, swaps};

proptest! {
    #[test]
    fn no_text_stops_a_reader(text in "(?s).{0,400}") {
        probe::all(&text);
    }

    #[test]
    fn lines_like_those_of_the_kernel_stop_no_reader(
        text in "((cpu[0-9]{0,3}|btime|processor|cpu MHz|nodev|/dev/[a-z]{3}|[0-9]+:|\\\\[0-9]{1,4}|-|\\)|[0-9A-F]{1,20}|\t|:| |\n){0,80})"
    ) {
        probe::all(&text);
    }

    #[test]
    fn a_mount_point_is_what_was_escaped(point in "/[ -~]{0,20}") {
        let escape = |c: char| match c {
            ' ' | '\\' => format!("\\{:03o}", c as u32),
            other => other.to_string(),
        };
        let escaped: String = point.chars().map(escape).collect();
        let line = format!("22 1 8:1 / {escaped} rw - ext4 /dev/sda1 rw\n");
        let found: Vec<_> = mounts(&line).collect();
        prop_assert_eq!(&found[0].point, &point);
    }

    #[test]
    fn a_process_is_in_its_state_whatever_its_name_is(name in "(?s).{0,15}", letter in "[RSDTZI]") {
        let text = format!("42 ({name}) {letter} 1 42 42 0 -1\n");
        prop_assert_eq!(process_state(&text), letter.chars().next());
    }

    #[test]
    fn ticks_are_read_as_they_were_written(cpu in 0..4096u32, ticks in proptest::array::uniform8(any::<u64>())) {
        let words: Vec<String> = ticks.iter().map(ToString::to_string).collect();
        let found = stat(&format!("cpu{cpu} {} 0 0\n", words.join(" ")));
        prop_assert_eq!(found.cpus, [(format!("cpu{cpu}"), ticks)]);
    }
}

#[test]
fn numbers_that_are_too_large_are_left_out() {
    assert_eq!(
        numbers("a 1\nb 99999999999999999999999\nc x\nd 2\n").into_iter().collect::<Vec<_>>(),
        [("a", 1), ("d", 2)]
    );
    assert!(swaps("Filename Type Size Used\n/swap file 99999999999999999999999 0 -2\n").is_empty());
}

#[test]
fn a_state_that_the_kernel_has_not_is_not_counted() {
    let mut counts = [0; 11];
    count_connections("header\n 0: a b 00 0\n 1: a b FF 0\n 2: a b zz 0\n 3: a b 0B 0\n", &mut counts);
    assert_eq!((counts.iter().sum::<u64>(), counts[10]), (1, 1));
}
