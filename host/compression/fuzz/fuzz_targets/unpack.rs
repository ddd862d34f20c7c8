//! Whatever a stranger sends is unpacked within its limit and its room, or refused; and what was packed comes out again.

#![no_main]

use host_compression::{Coding, Room, pack, unpack};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 20;

struct Budget {
    used: usize,
    most: usize,
}

impl Room for Budget {
    fn grow(&mut self, bytes: usize) -> bool {
        let fits = self.used + bytes <= 16 << 20;
        self.used += if fits { bytes } else { 0 };
        self.most = self.most.max(self.used);
        fits
    }

    fn shrink_to(&mut self, bytes: usize) {
        assert!(bytes <= self.used, "what came out was taken before");
        self.used = bytes;
    }
}

fn unpacked(coding: Coding, packed: &[u8]) -> Option<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut room = Budget { used: packed.len(), most: packed.len() };
    let plain = runtime.block_on(unpack(coding, packed, LIMIT, &mut room)).ok()?;
    assert!(plain.len() <= LIMIT);
    assert_eq!(room.used, plain.len().min(room.most));
    Some(plain)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let coding = Coding::ALL[usize::from(*first) % Coding::ALL.len()];
    unpacked(coding, data);
    let mut packed = Vec::new();
    pack(coding, Some(i32::from(*first >> 3)), data.chunks(97), data.len(), &mut packed).expect("it is packed");
    assert_eq!(unpacked(coding, &packed).as_deref(), Some(data));
});
