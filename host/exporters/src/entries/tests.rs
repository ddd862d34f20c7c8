//! Entries are gathered and halved without a loss, whatever their sizes and the limits.

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Entries, Form, Packer, TooLong};

const FORM: Form = Form { open: "[", between: ",", close: "]", max_bytes: 12, max_entries: 3, max_entry_bytes: 8 };

fn body<N>(entries: &Entries<N>) -> String {
    let whole: Vec<u8> = entries.body().flatten().collect();
    String::from_utf8(whole).unwrap()
}

fn packed(form: Form, entries: &[&str]) -> Vec<Entries<usize>> {
    let mut packer = Packer::new(form);
    for (i, entry) in entries.iter().enumerate() {
        let _ = packer.add(1, i, |out| out.extend_from_slice(entry.as_bytes()));
    }
    packer.finish()
}

#[test]
fn a_request_ends_before_the_entry_that_would_break_a_limit() {
    let bodies: Vec<_> = packed(FORM, &["aaaa", "bbbbb", "c", "d", "e", "f"]).iter().map(body).collect();
    assert_eq!(bodies, ["[aaaa,bbbbb]", "[c,d,e]", "[f]"]);
}

#[test]
fn an_entry_that_fits_nowhere_is_left_out_and_the_others_are_not() {
    let mut packer = Packer::new(FORM);
    let mut add = |text: &str| packer.add(1, (), |out| out.extend_from_slice(text.as_bytes()));
    assert_eq!(add("a"), Ok(1));
    assert_eq!(add("123456789"), Err(TooLong { bytes: 9 }));
    assert_eq!(add("b"), Ok(1));
    let all = packer.finish();
    assert_eq!(all.iter().map(body).collect::<Vec<_>>(), ["[a,b]"]);
    assert_eq!(all[0].items(), 2);
}

#[test]
fn nothing_makes_no_request() {
    assert!(Packer::<()>::new(FORM).finish().is_empty());
}

proptest! {
    #[test]
    fn halves_of_halves_hold_every_entry_once_and_in_order(sizes in vec(1_usize..40, 1..30)) {
        let form = Form { max_bytes: 4096, max_entries: 100, max_entry_bytes: 64, ..FORM };
        let texts: Vec<String> = sizes.iter().enumerate().map(|(i, size)| format!("{i}{}", "x".repeat(*size))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut waiting = packed(form, &texts);
        prop_assert_eq!(waiting.len(), 1);
        let mut seen = Vec::new();
        let mut notes = Vec::new();
        while let Some(entries) = waiting.pop() {
            let (count, len) = (entries.marks.len(), entries.text.len());
            match entries.halves() {
                Some([first, second]) => {
                    prop_assert_eq!(first.marks.len() + second.marks.len(), count);
                    prop_assert!(first.text.len() < len && second.text.len() < len);
                    waiting.extend([second, first]);
                }
                None => {
                    prop_assert_eq!((count, entries.items()), (1, 1));
                    seen.push(body(&entries));
                    notes.extend(entries.notes().copied());
                }
            }
        }
        let wanted: Vec<String> = texts.iter().map(|text| format!("[{text}]")).collect();
        prop_assert_eq!(seen, wanted);
        prop_assert_eq!(notes, (0..texts.len()).collect::<Vec<_>>());
    }
}
