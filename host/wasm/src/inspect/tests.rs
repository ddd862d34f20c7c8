//! Tests of what stands in `inspect`: its promises, one sentence each.

use super::{InspectError, check_import, inspect};

#[test]
fn takes_the_interfaces_of_this_version_only() {
    for import in ["types", "log", "counters"] {
        check_import(&format!("tidegate:processor/{import}@0.2.0")).unwrap();
    }
    let version = |found: &str| Err(InspectError::Version { found: found.to_owned() });
    for old in ["0.1.0", "0.1.1"] {
        let found = format!("tidegate:processor@{old}");
        assert_eq!(check_import(&format!("tidegate:processor/log@{old}")), version(&found));
    }
    assert_eq!(check_import("tidegate:processor/log"), version("tidegate:processor@no version"));
    for foreign in ["wasi:clocks/wall-clock@0.2.0", "tidegate:processor/files@0.2.0", "log", "tidegate:other/log@0.2.0"]
    {
        assert_eq!(check_import(foreign), Err(InspectError::ForeignImport(foreign.to_owned())));
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let component = b"\0asm\x0d\0\x01\0";
    assert_eq!(inspect(component, 64), Err(InspectError::NoExport("configure")));
    assert_eq!(inspect(component, 7), Err(InspectError::Size { bytes: 8, limit: 7 }));
    let mut bytes = component.to_vec();
    // A small generator, seeded, for sections of nonsense.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        bytes.truncate(8);
        for _ in 0..state % 40 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(state as u8 & 0x3f);
        }
        state = state.wrapping_add(1);
        assert!(inspect(&bytes, 64).is_err());
    }
}
