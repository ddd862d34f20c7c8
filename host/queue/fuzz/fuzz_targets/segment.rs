//! Whatever stands in a segment, it is read to its end, and what comes of it is a checked request.

#![no_main]

use std::fs;
use std::sync::LazyLock;

use host_frames::Frames;
use host_queue::offline::Look;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The number and the salt are in the name, and the frames are made of them.
const NAME: &str = "0000000000000001-0000000000000000.segment";
const FRAMES: Frames = Frames::new([0, 0, 0, 1], [0; 8]);
const HEADER: usize = 16;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("there is a folder for temporary files"));

fuzz_target!(|data: &[u8]| {
    let mut segment = vec![0; HEADER];
    // Pieces of the data, each behind its length, are frames or lie between them.
    let mut rest = data;
    while let Some((&[kind, length], behind)) = rest.split_first_chunk() {
        let (piece, behind) = behind.split_at(behind.len().min(usize::from(length)));
        match kind {
            0 => segment.extend_from_slice(piece),
            kind => FRAMES.put(kind, [piece], &mut segment),
        }
        rest = behind;
    }
    fs::write(FOLDER.path().join(NAME), segment).expect("the folder can be written to");
    for (_, delivery) in Look::at(FOLDER.path()).expect("a damaged segment is no error") {
        assert!(delivery.payload.len() <= data.len());
    }
});
