//! Tests of what stands in `frame`: its promises, one sentence each.

use bytes::Bytes;
use proptest::prelude::*;

use host_frames::OVERHEAD;

use super::{HEADER, HeaderError, Kind, Salt, VERSION, scan};

fn file(salt: Salt, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut out = salt.header();
    contents.iter().for_each(|content| salt.put(Kind::Record, content, &mut out));
    out
}

fn contents(salt: Salt, file: Vec<u8>) -> (Vec<Vec<u8>>, usize) {
    let scan = scan(salt, &Bytes::from(file));
    (scan.frames.into_iter().map(|(_, content)| content.to_vec()).collect(), scan.damaged)
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Markers within contents are what a reader that looks for the next frame stumbles over.
    let piece = prop_oneof![prop::collection::vec(any::<u8>(), 0..40), Just(b"TGQR\x02\x00\x00\x00TGQR".to_vec())];
    prop::collection::vec(piece, 0..8)
}

proptest! {
    #[test]
    fn what_was_put_is_read_and_nothing_else(pieces in pieces()) {
        let salt = Salt::random();
        prop_assert_eq!(contents(salt, file(salt, &pieces)), (pieces, 0));
    }

    #[test]
    fn a_torn_tail_costs_the_frame_that_was_being_written_and_no_other(pieces in pieces(), cut in 0usize..400) {
        let salt = Salt::random();
        let mut torn = file(salt, &pieces);
        torn.truncate(torn.len().saturating_sub(cut).max(HEADER));
        let mut end = HEADER;
        let ends = pieces.iter().map(|piece| { end += OVERHEAD + piece.len(); end });
        let whole = ends.take_while(|end| *end <= torn.len()).count();
        prop_assert_eq!(contents(salt, torn).0, &pieces[..whole]);
    }

    #[test]
    fn damage_costs_the_frame_that_it_lies_in_and_no_other(pieces in pieces(), at in any::<prop::sample::Index>(), by in 1u8..) {
        let salt = Salt::random();
        let mut damaged = file(salt, &pieces);
        prop_assume!(damaged.len() > HEADER);
        let at = HEADER + at.index(damaged.len() - HEADER);
        damaged[at] ^= by;
        let mut end = HEADER;
        let hit = pieces.iter().position(|piece| { end += OVERHEAD + piece.len(); at < end }).expect("it is in one");
        let mut left = pieces.clone();
        let lost = OVERHEAD + left.remove(hit).len();
        prop_assert_eq!(contents(salt, damaged), (left, lost));
    }

    #[test]
    fn bytes_of_any_kind_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(salt) = Salt::of(&bytes) {
            contents(salt, bytes);
        }
    }
}

#[test]
fn what_is_appended_behind_a_torn_tail_is_read() {
    let salt = Salt::random();
    let mut torn = file(salt, &[b"one".to_vec(), b"two".to_vec()]);
    torn.truncate(torn.len() - 1);
    salt.put(Kind::Record, b"three", &mut torn);
    assert_eq!(contents(salt, torn), (vec![b"one".to_vec(), b"three".to_vec()], OVERHEAD + 2));
}

#[test]
fn a_frame_within_a_payload_does_not_pass_for_one_in_a_damaged_place() {
    // Whoever sends the data knows the format, and not the salt of the file.
    let (salt, guessed) = (Salt([1; 8]), Salt([0; 8]));
    let mut forged = Vec::new();
    guessed.put(Kind::Done, b"some id", &mut forged);
    let mut damaged = file(salt, &[forged]);
    damaged[HEADER + 5] ^= 1;
    assert_eq!(contents(salt, damaged).0, Vec::<Vec<u8>>::new());
}

#[test]
fn a_kind_that_only_a_later_program_knows_is_passed_over() {
    let salt = Salt::random();
    let mut newer = file(salt, &[b"one".to_vec()]);
    salt.frames().put(9, [b"news".as_slice()], &mut newer);
    let scan = scan(salt, &newer.into());
    assert_eq!((scan.frames.len(), scan.unknown, scan.damaged), (1, 1, 0));
}

#[test]
fn a_head_is_this_version_s_or_says_what_it_is() {
    let salt = Salt::random();
    assert_eq!(Salt::of(&salt.header()), Ok(salt));
    assert_eq!(Salt::of(b""), Err(HeaderError::Short));
    assert_eq!(Salt::of(&salt.header()[..HEADER - 1]), Err(HeaderError::Short));
    assert_eq!(Salt::of(b"{}\n"), Err(HeaderError::Foreign));
    let mut newer = salt.header();
    newer[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    assert_eq!(Salt::of(&newer), Err(HeaderError::Newer(VERSION + 1)));
}
