//! Tests of what stands in `unpack`: its promises, one sentence each.

use super::{AT_ONCE, LEAST, MEMBER, Room, TURN, UnpackError, WINDOW, most_room, unpack};
use crate::coding::Coding;
use crate::pack;

/// So many bytes and no more.
struct Budget {
    limit: usize,
    used: usize,
    most: usize,
}

impl Room for Budget {
    fn grow(&mut self, bytes: usize) -> bool {
        let fits = self.used + bytes <= self.limit;
        if fits {
            self.used += bytes;
            self.most = self.most.max(self.used);
        }
        fits
    }

    fn shrink_to(&mut self, bytes: usize) {
        self.used = self.used.min(bytes);
    }
}

fn packed(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack(coding, None, plain.chunks(1000), plain.len(), &mut out).unwrap();
    out
}

/// What comes out, or why nothing does.
async fn check(coding: Coding, packed: &[u8], limit: usize, budget: usize) -> Result<Vec<u8>, String> {
    let mut room = Budget { limit: budget, used: packed.len(), most: 0 };
    let plain = unpack(coding, packed, limit, &mut room).await;
    if let Ok(plain) = &plain {
        assert_eq!(room.used, plain.len(), "what is taken is what is there");
    }
    plain.map_err(|error| match error {
        UnpackError::TooLarge => "too large".to_owned(),
        UnpackError::NoRoom => "no room".to_owned(),
        UnpackError::Damaged(_, error) => error.to_string(),
        UnpackError::Window => "window".to_owned(),
    })
}

const LARGE: usize = 64 << 20;

#[tokio::test]
async fn unpacks_what_fits_and_nothing_more() {
    for coding in Coding::ALL {
        for len in [0, 1, 999, LEAST - 1, LEAST, 64 << 10, (64 << 10) + 1, 300_000, TURN + 1] {
            let plain: Vec<u8> = (0..len).map(|i| (i % 251) as u8 ^ (i >> 12) as u8).collect();
            let bytes = packed(coding, &plain);
            assert_eq!(check(coding, &bytes, len, LARGE).await.as_ref(), Ok(&plain), "{coding:?} {len}");
            if len > 0 {
                assert_eq!(
                    check(coding, &bytes, len - 1, LARGE).await,
                    Err("too large".to_owned()),
                    "{coding:?} {len}"
                );
            }
        }
    }
}

#[tokio::test]
async fn stops_when_the_room_is_spent() {
    for coding in Coding::ALL {
        let bomb = packed(coding, &vec![0; 16 << 20]);
        assert_eq!(check(coding, &bomb, 32 << 20, 4 << 20).await, Err("no room".to_owned()), "{coding:?}");
        assert_eq!(check(coding, &bomb, 1 << 20, LARGE).await, Err("too large".to_owned()), "{coding:?}");
    }
}

#[tokio::test]
async fn refuses_data_that_is_cut_off_or_followed_by_more() {
    let plain: Vec<u8> = (0..200_000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    for coding in Coding::ALL {
        let bytes = packed(coding, &plain);
        // Frames of snappy have no end of their own: none at all are a message of no bytes.
        let least = usize::from(coding == Coding::SnappyFramed);
        for len in [least, 1, 5, 11, bytes.len() / 2, bytes.len() - 4, bytes.len() - 1] {
            assert!(check(coding, &bytes[..len], LARGE, LARGE).await.is_err(), "{coding:?} {len} of {}", bytes.len());
        }
        let followed = [&bytes[..], &[0, 1, 2]].concat();
        assert!(check(coding, &followed, LARGE, LARGE).await.is_err(), "{coding:?}");
    }
}

#[tokio::test]
async fn takes_members_of_gzip_one_after_the_other_where_each_says_the_same_size() {
    for len in [0, 1, 999, AT_ONCE / 2, AT_ONCE] {
        let plain: Vec<u8> = (0..len).map(|i| (i % 251) as u8 ^ (i >> 12) as u8).collect();
        let member = packed(Coding::Gzip, &plain);
        let twice = [&member[..], &member[..]].concat();
        assert_eq!(check(Coding::Gzip, &twice, LARGE, LARGE).await, Ok([&plain[..], &plain[..]].concat()), "{len}");
    }
}

#[tokio::test]
async fn takes_what_looks_like_another_member_of_gzip_and_is_none() {
    // So short a text that it is stored as it is.
    let plain = MEMBER.repeat(3);
    let stored = [&b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x09\0\xf6\xff"[..], &plain].concat();
    let trailer = [libdeflater::crc32(&plain).to_le_bytes(), 9u32.to_le_bytes()].concat();
    assert_eq!(check(Coding::Gzip, &[stored, trailer].concat(), LARGE, LARGE).await, Ok(plain));
}

#[tokio::test]
async fn refuses_damaged_data_where_there_is_a_checksum() {
    for coding in [Coding::Gzip, Coding::Zlib, Coding::SnappyFramed] {
        let mut damaged = packed(coding, b"some text that is long enough to be damaged in its middle");
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert!(check(coding, &damaged, 1000, LARGE).await.is_err(), "{coding:?}");
    }
}

#[tokio::test]
async fn believes_no_size_that_is_told() {
    let plain = vec![b'x'; 100_000];
    let mut small = packed(Coding::Gzip, &plain);
    let size = small.len() - 4;
    small[size..].copy_from_slice(&[0; 4]);
    assert!(check(Coding::Gzip, &small, 200_000, LARGE).await.is_err());
    let mut large = packed(Coding::Gzip, b"hardly anything");
    let size = large.len() - 4;
    large[size..].copy_from_slice(&[0xff; 4]);
    let mut room = Budget { limit: LARGE, used: large.len(), most: 0 };
    assert!(unpack(Coding::Gzip, &large, 16 << 20, &mut room).await.is_err());
    assert!(room.most < 10_000, "{} bytes for a message of {}", room.most, large.len());
}

#[tokio::test]
async fn takes_members_and_frames_one_after_the_other() {
    let plain = vec![b'x'; 100_000];
    for coding in [Coding::Gzip, Coding::Zstd] {
        let parts = [packed(coding, b"one "), packed(coding, b""), packed(coding, &plain)].concat();
        assert_eq!(check(coding, &parts, 200_000, LARGE).await, Ok([b"one ", &plain[..]].concat()), "{coding:?}");
    }
}

#[tokio::test]
async fn refuses_a_message_of_more_parts_than_anybody_makes() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        let [some, empty] = [&b"x"[..], b""].map(|plain| packed(coding, plain));
        let of = |parts: usize| [&some[..], &empty.repeat(parts - 1)].concat();
        assert_eq!(check(coding, &of(1024), 100, LARGE).await, Ok(b"x".to_vec()), "{coding:?}");
        let told = check(coding, &of(1025), 100, LARGE).await.unwrap_err();
        assert!(told.contains("more than 1024 parts"), "{coding:?}: {told}");
    }
}

#[tokio::test]
async fn lets_others_go_on_while_it_unpacks_what_brings_nothing_out() {
    use std::future::{Future as _, poll_fn};
    use std::task::Poll;
    // Empty blocks: 5 bytes each, and nothing in them.
    let mut bytes = vec![0x78, 0x9c];
    bytes.extend([0, 0, 0, 0xff, 0xff].repeat(1 << 20));
    bytes.extend([1, 0, 0, 0xff, 0xff, 0, 0, 0, 1]);
    let mut room = Budget { limit: LARGE, used: bytes.len(), most: 0 };
    let mut unpacking = std::pin::pin!(unpack(Coding::Zlib, &bytes, 100, &mut room));
    let mut turns = 0;
    let plain = poll_fn(|cx| {
        turns += 1;
        match unpacking.as_mut().poll(cx) {
            Poll::Ready(plain) => Poll::Ready(plain),
            Poll::Pending => Poll::Pending,
        }
    });
    assert_eq!(plain.await.unwrap(), b"");
    assert!(turns > 3, "{turns}");
}

#[tokio::test]
async fn needs_no_more_room_than_it_says() {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
    let noise =
        |len: u32| -> Vec<u8> { (0..len / 4).flat_map(|i| (i.wrapping_mul(i) ^ (i << 13)).to_le_bytes()).collect() };
    for len in [100_000, 3 << 20, 12 << 20] {
        let plain = noise(len);
        let mut large_blocks =
            FrameEncoder::with_frame_info(FrameInfo::new().block_size(BlockSize::Max4MB), Vec::new());
        std::io::Write::write_all(&mut large_blocks, &plain).unwrap();
        let large_blocks = (Coding::Lz4, large_blocks.finish().unwrap());
        for (coding, bytes) in
            Coding::ALL.map(|coding| (coding, packed(coding, &plain))).into_iter().chain([large_blocks])
        {
            let limit = plain.len().max(bytes.len());
            let plain = check(coding, &bytes, limit, most_room(&[coding], limit)).await;
            assert!(plain.is_ok(), "{coding:?} {len}: {plain:?}");
        }
    }
}

#[tokio::test]
async fn takes_no_room_for_a_snappy_block_that_says_it_is_larger_than_it_can_be() {
    let mut room = Budget { limit: LARGE, used: 5, most: 0 };
    // 16 MiB, it says.
    let told = unpack(Coding::Snappy, &[0x80, 0x80, 0x80, 0x08, 0], 32 << 20, &mut room).await;
    assert!(matches!(told, Err(UnpackError::Damaged(..))), "{told:?}");
    assert_eq!(room.most, 0);
    let best = vec![7; 1 << 20];
    let bytes = packed(Coding::Snappy, &best);
    assert!(bytes.len() * 20 < best.len(), "it comes near to what there can be");
    assert_eq!(check(Coding::Snappy, &bytes, 1 << 20, LARGE).await, Ok(best));
}

#[tokio::test]
async fn takes_snappy_frames_under_the_name_of_blocks() {
    let plain = vec![b'x'; 100_000];
    let framed = packed(Coding::SnappyFramed, &plain);
    assert_eq!(check(Coding::Snappy, &framed, 200_000, LARGE).await, Ok(plain));
}

#[tokio::test]
async fn grants_a_zstd_frame_its_window_up_to_a_limit_and_counts_it() {
    use zstd::stream::raw::CParameter;
    let plain = vec![7; 12 << 20];
    for (log, expected) in [(23, Ok(plain.len())), (24, Err("window".to_owned()))] {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(CParameter::WindowLog(log)).unwrap();
        std::io::Write::write_all(&mut encoder, &plain).unwrap();
        let bytes = encoder.finish().unwrap();
        let outcome = check(Coding::Zstd, &bytes, 16 << 20, LARGE).await;
        assert_eq!(outcome.map(|plain| plain.len()), expected, "{log}");
        if log == 23 {
            assert_eq!(check(Coding::Zstd, &bytes, 16 << 20, WINDOW + (4 << 20)).await, Err("no room".to_owned()));
        }
    }
}

proptest::proptest! {
    #[test]
    fn what_was_packed_comes_out_again(plain: Vec<u8>, coding in 0..Coding::ALL.len(), level in -5..30, cut in 1..100usize) {
        let coding = Coding::ALL[coding];
        let mut bytes = vec![1, 2, 3];
        pack(coding, Some(level), plain.chunks(cut), plain.len(), &mut bytes).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let again = runtime.block_on(check(coding, &bytes[3..], plain.len(), LARGE));
        proptest::prop_assert_eq!(again, Ok(plain));
    }

    #[test]
    fn garbage_is_refused_or_stays_within_its_limits(garbage: Vec<u8>, coding in 0..Coding::ALL.len(), limit in 0..5000usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Ok(plain) = runtime.block_on(check(Coding::ALL[coding], &garbage, limit, LARGE)) {
            proptest::prop_assert!(plain.len() <= limit);
        }
    }
}
