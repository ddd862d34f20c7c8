//! Tests of what stands in the crate: its promises, one sentence each.

use proptest::prelude::*;

use super::{Found, Frames, OVERHEAD};

const FRAMES: Frames = Frames::new(*b"TEST", [7; 8]);

proptest! {
    #[test]
    fn a_frame_that_is_not_all_there_says_how_much_of_it_is_needed(
        content in prop::collection::vec(any::<u8>(), 0..60),
        there in any::<prop::sample::Index>(),
    ) {
        let mut out = b"before".to_vec();
        FRAMES.put(3, [content.as_slice()], &mut out);
        prop_assert_eq!(FRAMES.at(&out, 6), Found::Frame { kind: 3, content: 6 + OVERHEAD..out.len() });
        let there = 6 + there.index(out.len() - 6);
        match FRAMES.at(&out[..there], 6) {
            Found::Short { needed } => prop_assert!(needed > there - 6 && needed <= out.len() - 6),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn content_in_parts_is_the_content_in_one(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
        let (mut of_parts, mut of_one) = (Vec::new(), Vec::new());
        FRAMES.put(1, parts.iter().map(Vec::as_slice), &mut of_parts);
        FRAMES.put(1, [parts.concat().as_slice()], &mut of_one);
        prop_assert_eq!(of_parts, of_one);
    }
}

#[test]
fn what_has_another_salt_is_no_frame() {
    let mut out = Vec::new();
    FRAMES.put(1, [b"content".as_slice()], &mut out);
    assert_eq!(Frames::new(*b"TEST", [8; 8]).at(&out, 0), Found::Nothing);
}
