//! The adversaries: each kind of harm that a module can mean, once.

use host_projection::batch::Level;
use host_projection::script::{Edit, Slice, Value};

use crate::guest::Guest;

const SPIN: &str = "(loop $forever (br $forever))";
const GROW: &str = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
/// Counts its batches in memory that stays, and traps on every third.
const EVERY_THIRD: &str = "(i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1))) \
    (if (i32.eqz (i32.rem_u (i32.load (i32.const 16)) (i32.const 3))) (then unreachable))";
/// A million edits of zeros: splices of nothing in one place.
const MILLION: &str = "(local.set $n (i32.mul (memory.size) (i32.const 65536))) \
    (drop (memory.grow (i32.const 870))) \
    (i32.store offset=4 (global.get $script) (local.get $n)) \
    (i32.store offset=8 (global.get $script) (i32.const 1000000))";
/// Says that a gibibyte of text lies in its memory.
const GIBIBYTE: &str = "(i32.store offset=12 (global.get $script) (i32.const 0)) \
    (i32.store offset=16 (global.get $script) (i32.const 1073741824))";
const LINES: &str = "(loop $again (call $log (i32.const 3) (i32.const 1024) (i32.const 8)) \
    (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_u (local.get $n) (i32.const 2000))))";
/// A mebibyte more for each batch, which it never gives back.
const HOARD: &str = "(if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))";

/// How many records each batch has that the adversaries of [`live`] are given.
pub const RECORDS: u32 = 4;

/// How a component begins; it may end there.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// The attribute that an adversary writes on the first resource of what it does process.
pub const MARK: (&str, &str) = ("processed", "yes");

/// A module that means harm.
pub struct Adversary {
    pub name: &'static str,
    pub module: Vec<u8>,
    /// Words by which whoever looks for the cause finds it.
    pub says: &'static str,
}

fn adversary(name: &'static str, says: &'static str, guest: &Guest) -> Adversary {
    Adversary { name, module: guest.build(), says }
}

fn marking() -> Guest {
    Guest::label(MARK.0, MARK.1)
}

/// Those that do harm before they have any data: they are not loaded.
#[must_use]
pub fn loading() -> Vec<Adversary> {
    let nested = (0..100).fold(COMPONENT.to_vec(), |inside, _| component_around(&inside));
    // One pattern that stands for more states than any text has characters.
    let huge = r"(?:(?:(?:\w{1,60}){1,60}){1,60}){1,60}";
    vec![
        adversary("spins when it is instantiated", "longer than", &marking().in_start(SPIN)),
        adversary("spins in configure", "longer than", &marking().in_configure(SPIN)),
        adversary("spins in its self-test", "self-test", &marking().in_process(SPIN)),
        adversary("traps in configure", "unreachable", &marking().in_configure("unreachable")),
        adversary("recurses without end in configure", "call stack exhausted", &marking().in_configure("(call $deep)")),
        adversary("grows its memory in configure", "64 MiB", &marking().in_configure(GROW)),
        adversary("asks for another version of the contract", "0.9.0", &marking().version("0.9.0")),
        adversary("imports what no host gives", "open-file", &marking().foreign()),
        adversary("asks for what nobody granted", "not granted", &marking().reads("log.trace_id", &[])),
        adversary(
            "asks for a pattern that is a huge automaton",
            "plan is refused",
            &marking().reads("resource.attributes[*]", &[huge]),
        ),
        Adversary { name: "is a hundred components deep", module: nested, says: "does not export `configure`" },
        Adversary { name: "is no WebAssembly", module: noise(64 << 10), says: "no WebAssembly" },
        Adversary { name: "is noise behind the right first bytes", module: headed(noise(64 << 10)), says: "damaged" },
        Adversary { name: "is empty", module: Vec::new(), says: "empty" },
    ]
}

/// Those that fail on each batch of live data, after they have passed their self-test.
#[must_use]
pub fn live() -> Vec<Adversary> {
    let harm = |name, says, instructions| adversary(name, says, &marking().in_live_process(instructions));
    // Of a batch of records the bodies are cells 0 and on, and the texts of their severity come behind; those are not
    // written.
    let edits = |name, edits: &dyn Fn(Slice) -> Vec<Edit>| {
        let guest = Guest::default().reads("log.body", &[]).reads("log.severity_text", &[]);
        let mut guest = guest.writes("log.body").writes("drop");
        let with = guest.slice("x");
        let guest = edits(with).into_iter().fold(guest, Guest::edit);
        adversary(name, "edit ", &guest.edits_on_live_data_only())
    };
    let splice = |cell, start, end, with| Edit::Splice { cell, start, end, with };
    vec![
        harm("spins in process", "longer than 100ms", SPIN),
        harm("grows its memory in process", "64 MiB", GROW),
        harm("recurses without end", "call stack exhausted", "(call $deep)"),
        harm("traps always", "unreachable", "unreachable"),
        harm("gives back a million edits", "4 MiB", MILLION),
        harm("gives back a gibibyte of text", "trapped", GIBIBYTE),
        edits("edits outside its batch", &|_| vec![Edit::Remove { cell: 4_000_000 }]),
        edits("drops rows that there are not", &|_| {
            vec![Edit::Drop { level: Level::Item, first_row: 0, end_row: 4_000_000 }]
        }),
        edits("edits outside its grant", &|with| vec![Edit::Replace { cell: RECORDS, value: Value::Text(with) }]),
        // The bodies begin with a character of two bytes.
        edits("edits in the middle of a character", &|with| vec![splice(0, 1, 2, with)]),
        edits("edits one place twice", &|with| vec![splice(0, 0, 3, with), splice(0, 2, 5, with)]),
        edits("edits behind the end of a text", &|with| vec![splice(0, 2, 1_000_000, with)]),
        edits("edits under what it removes", &|with| {
            let drop = Edit::Drop { level: Level::Item, first_row: 0, end_row: 1 };
            vec![drop, Edit::Replace { cell: 0, value: Value::Text(with) }]
        }),
        edits("writes text that it did not give", &|_| {
            vec![Edit::Replace { cell: 0, value: Value::Text(Slice { start: 0, end: 1_000_000 }) }]
        }),
    ]
}

/// Those that do harm on live data and process each batch all the same, if on the second try.
#[must_use]
pub fn surviving() -> Vec<Adversary> {
    let harm = |name, instructions| adversary(name, "", &marking().in_live_process(instructions));
    vec![
        harm("traps on every third batch", EVERY_THIRD),
        harm("floods the log", LINES),
        harm("keeps a mebibyte of each batch", HOARD),
    ]
}

/// Bytes that mean nothing, the same each time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// The same behind the first bytes of a component.
fn headed(mut noise: Vec<u8>) -> Vec<u8> {
    noise[..COMPONENT.len()].copy_from_slice(COMPONENT);
    noise
}

/// A component that has another in it.
fn component_around(inside: &[u8]) -> Vec<u8> {
    const SECTION: u8 = 4;
    let mut around = [COMPONENT, &[SECTION]].concat();
    // The section's length, seven bits a byte.
    let mut left = inside.len();
    while left >= 0x80 {
        around.push(left as u8 | 0x80);
        left >>= 7;
    }
    around.push(left as u8);
    around.extend_from_slice(inside);
    around
}
