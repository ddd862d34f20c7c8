//! Cutting, and putting together what came.

use bytes::Bytes;
use host_compression::{Coding as Packing, pack};

use crate::{Coding, Component, Digest, Part, PartsError, cut, join};

const LIMIT: u64 = 8 << 20;

/// Bytes that cannot be packed to less.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The component in one part that is packed so.
fn in_one(component: &[u8], coding: Coding, packed: Vec<u8>) -> (Component, Vec<Bytes>) {
    let part = Part { name: "x-0".to_owned(), digest: Digest::of(&packed), bytes: packed.len() as u64 };
    let (digest, bytes) = (Digest::of(component), component.len() as u64);
    (Component { digest, bytes, coding, parts: vec![part] }, vec![packed.into()])
}

#[tokio::test]
async fn a_large_component_is_cut_and_put_together() {
    let whole = noise(3 << 20);
    let (component, pieces) = cut("x", &whole).unwrap();
    assert!(pieces.len() > 3 && pieces.iter().all(|piece| piece.len() <= 700 << 10));
    assert!(component.parts.iter().enumerate().all(|(at, part)| part.name.ends_with(&format!("-{at}"))));
    assert_eq!(join(&component, &pieces, LIMIT).await.unwrap(), whole);
}

#[tokio::test]
async fn each_coding_is_read() {
    let whole = b"component ".repeat(100);
    let packed = |packing| {
        let mut out = Vec::new();
        pack(packing, None, std::iter::once(whole.as_slice()), whole.len(), &mut out).unwrap();
        out
    };
    for (coding, packed) in
        [(Coding::Plain, whole.clone()), (Coding::Gzip, packed(Packing::Gzip)), (Coding::Zstd, packed(Packing::Zstd))]
    {
        let (component, pieces) = in_one(&whole, coding, packed);
        assert_eq!(join(&component, &pieces, LIMIT).await.unwrap(), whole, "{coding:?}");
    }
}

#[tokio::test]
async fn what_is_not_what_the_manifest_says_is_refused() {
    let whole = noise(2 << 20);
    let (component, pieces) = cut("x", &whole).unwrap();
    let mut other = pieces.clone();
    other[1] = Bytes::from_static(b"other");
    assert!(matches!(join(&component, &other, LIMIT).await, Err(PartsError::Part { .. })));
    assert!(matches!(join(&component, &pieces[..1], LIMIT).await, Err(PartsError::Part { .. })));
    assert!(matches!(join(&component, &pieces, 1 << 20).await, Err(PartsError::Size { .. })));
    let mut wrong = component.clone();
    wrong.digest = Digest::of(b"other");
    assert!(matches!(join(&wrong, &pieces, LIMIT).await, Err(PartsError::Component { .. })));
}

#[tokio::test]
async fn what_unpacks_to_more_than_was_said_takes_no_more_memory() {
    let bomb = vec![0_u8; 64 << 20];
    let mut packed = Vec::new();
    pack(Packing::Zstd, None, std::iter::once(bomb.as_slice()), bomb.len(), &mut packed).unwrap();
    let (mut component, pieces) = in_one(&bomb, Coding::Zstd, packed);
    component.bytes = 1000;
    assert!(matches!(join(&component, &pieces, LIMIT).await, Err(PartsError::Unpack(_))));
}
