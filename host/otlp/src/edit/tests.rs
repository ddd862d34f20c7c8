//! Splicing by example; `tests/it/edit.rs` holds the property.

use super::{EditError, Edits, Frame, Patch, REQUEST, Scratch, splice};

/// Two texts in a message in a message, and one beside them.
const BUF: &[u8] = &[0x0a, 0x08, 0x12, 0x06, 0x0a, 0x01, b'a', 0x0a, 0x01, b'b', 0x1a, 0x01, b'c'];
const FRAMES: &[Frame] =
    &[Frame { tag: 0, content: 2, end: 10, parent: REQUEST }, Frame { tag: 2, content: 4, end: 10, parent: 0 }];

fn apply(patches: &[Patch], side: &[u8]) -> Result<Vec<u8>, EditError> {
    splice(BUF, &Edits { frames: FRAMES, patches, side }, &mut Scratch::default())
}

fn patch(start: u32, end: u32, frame: u32, with: (u32, u32)) -> Patch {
    Patch { start, end, frame, with }
}

#[test]
fn no_patches_change_nothing() {
    assert_eq!(apply(&[], &[]).unwrap(), BUF);
}

#[test]
fn a_removal_shortens_the_frames_around_it() {
    let expected = [0x0a, 0x05, 0x12, 0x03, 0x0a, 0x01, b'b', 0x1a, 0x01, b'c'];
    assert_eq!(apply(&[patch(4, 7, 1, (0, 0))], &[]).unwrap(), expected);
}

#[test]
fn a_replacement_of_the_same_length_leaves_the_prefixes() {
    let expected = [0x0a, 0x08, 0x12, 0x06, 0x0a, 0x01, b'x', 0x0a, 0x01, b'b', 0x1a, 0x01, b'c'];
    assert_eq!(apply(&[patch(6, 7, 1, (0, 1))], b"x").unwrap(), expected);
}

#[test]
fn a_longer_prefix_lengthens_the_frames_around_it_further() {
    let side = [7; 200];
    let result = apply(&[patch(7, 7, 1, (0, 200))], &side).unwrap();
    // 206 bytes inside take a prefix of two, 209 around them another.
    assert_eq!(result[..6], [0x0a, 0xd1, 0x01, 0x12, 0xce, 0x01]);
    assert_eq!(result.len(), BUF.len() + 202);
}

#[test]
fn a_prefix_with_more_bytes_than_it_needs_is_written_anew_only_where_the_length_changes() {
    let buf = [0x0a, 0x83, 0x00, 0x0a, 0x01, b'a', 0x0a, 0x82, 0x00, 0x08, 0x01];
    let frames =
        [Frame { tag: 0, content: 3, end: 6, parent: REQUEST }, Frame { tag: 6, content: 9, end: 11, parent: REQUEST }];
    let edits = Edits { frames: &frames, patches: &[patch(3, 6, 0, (0, 0))], side: &[] };
    let result = splice(&buf, &edits, &mut Scratch::default()).unwrap();
    assert_eq!(result, [0x0a, 0x00, 0x0a, 0x82, 0x00, 0x08, 0x01]);
}

#[test]
fn insertions_at_one_place_keep_their_order_and_their_frames() {
    let side = [1, 2, 3];
    let at_the_end = [patch(10, 10, 1, (0, 1)), patch(10, 10, 0, (1, 2)), patch(10, 10, REQUEST, (2, 3))];
    let result = apply(&at_the_end, &side).unwrap();
    assert_eq!(result, [0x0a, 10, 0x12, 7, 0x0a, 1, b'a', 0x0a, 1, b'b', 1, 2, 3, 0x1a, 1, b'c']);

    let [inner, outer, request] = at_the_end;
    assert_eq!(apply(&[outer, inner], &side), Err(EditError::Overlap(1)));
    assert_eq!(apply(&[request, outer], &side), Err(EditError::Overlap(1)));
    assert_eq!(apply(&[request, inner], &side), Err(EditError::Overlap(1)));
}

#[test]
fn a_frame_is_removed_whole_from_its_parent() {
    assert_eq!(apply(&[patch(2, 10, 0, (0, 0))], &[]).unwrap(), [0x0a, 0x00, 0x1a, 0x01, b'c']);
    assert_eq!(apply(&[patch(0, 10, REQUEST, (0, 0))], &[]).unwrap(), [0x1a, 0x01, b'c']);
}

#[test]
fn overlapping_and_unsorted_patches_are_refused() {
    assert_eq!(apply(&[patch(4, 7, 1, (0, 0)), patch(6, 10, 1, (0, 0))], &[]), Err(EditError::Overlap(1)));
    assert_eq!(apply(&[patch(7, 10, 1, (0, 0)), patch(4, 7, 1, (0, 0))], &[]), Err(EditError::Overlap(1)));
    // An edit in a frame that another one removes.
    assert_eq!(apply(&[patch(2, 10, 0, (0, 0)), patch(10, 10, 1, (0, 1))], &[1]), Err(EditError::Overlap(1)));
}

#[test]
fn patches_outside_of_their_frame_or_of_the_replacements_are_refused() {
    for wrong in [
        patch(2, 4, 1, (0, 0)),
        patch(4, 11, 1, (0, 0)),
        patch(7, 4, 1, (0, 0)),
        patch(4, 7, 2, (0, 0)),
        patch(13, 14, REQUEST, (0, 0)),
        patch(4, 7, 1, (0, 2)),
        patch(4, 7, 1, (1, 0)),
    ] {
        assert_eq!(apply(&[wrong], &[1]), Err(EditError::Range(0)), "{wrong:?}");
    }
}

#[test]
fn a_patch_beyond_the_request_is_refused_where_its_frame_would_hold_it() {
    let frames = [Frame { tag: 0, content: 0, end: 61, parent: REQUEST }];
    let patches = [patch(59, 61, 0, (0, 2))];
    let edits = Edits { frames: &frames, patches: &patches, side: &[0; 2] };
    assert_eq!(splice(&[], &edits, &mut Scratch::default()), Err(EditError::Range(0)));
}

#[test]
fn frames_that_are_none_are_refused() {
    let patches = [patch(4, 7, 1, (0, 0))];
    for wrong in [
        Frame { parent: 1, ..FRAMES[1] },
        Frame { parent: 7, ..FRAMES[1] },
        Frame { tag: 4, ..FRAMES[1] },
        Frame { end: 12, ..FRAMES[1] },
    ] {
        let frames = [FRAMES[0], wrong];
        let edits = Edits { frames: &frames, patches: &patches, side: &[] };
        assert!(splice(BUF, &edits, &mut Scratch::default()).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_scratch_of_a_refused_edit_serves_the_next_one() {
    let mut scratch = Scratch::default();
    let refused = [patch(4, 7, 1, (0, 0)), patch(6, 10, 1, (0, 0))];
    let edits = |patches| Edits { frames: FRAMES, patches, side: &[] };
    assert!(splice(BUF, &edits(&refused), &mut scratch).is_err());
    assert_eq!(splice(BUF, &edits(&refused[..1]), &mut scratch).unwrap(), apply(&refused[..1], &[]).unwrap());
}

#[test]
fn a_patch_that_does_not_name_its_innermost_frame_is_refused_by_tests_and_debug_builds() {
    assert_eq!(apply(&[patch(4, 7, 0, (0, 0))], &[]), Err(EditError::Range(0)));
}
