//! A guest for a test: a plan and a script that are laid out in its memory, and a few instructions of WebAssembly text
//! that run before it gives them back.

use host_projection::batch::Level;
use host_projection::script::{Edit, Mode, Slice, Value};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the guest's own data lies; what the host passes in goes above [`HEAP`].
const DATA: u32 = 1024;
const HEAP: u32 = 64 << 10;

const WIT: &str = include_str!("../../../../wit/processor.wit");

/// True on live data: a self-test is always at this time.
pub(crate) const LIVE: &str = "(i64.ne (local.get $now) (i64.const 1700000000000000000))";

/// A guest under construction.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    reads: Vec<(String, Vec<String>)>,
    copies: u32,
    writes: Vec<String>,
    routes: Vec<String>,
    state: u8,
    edits: Vec<Edit>,
    text: String,
    refusal: Option<String>,
    start: String,
    configure: String,
    process: String,
    wit: String,
    imports: String,
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            reads: Vec::new(),
            copies: 1,
            writes: Vec::new(),
            routes: Vec::new(),
            state: 0,
            edits: Vec::new(),
            text: String::new(),
            refusal: None,
            start: String::new(),
            configure: String::new(),
            process: String::new(),
            wit: WIT.to_owned(),
            imports: String::new(),
        }
    }
}

impl Guest {
    /// Reads the bodies of log records and changes nothing.
    pub(crate) fn idle() -> Self {
        Guest::default().reads("log.body", &[])
    }

    /// Sets one attribute of every resource to `value`.
    pub(crate) fn label(key: &str, value: &str) -> Self {
        let guest = Guest::default().reads("resource.attributes[\"service.name\"]", &[]);
        let mut guest = guest.writes("resource.attributes[*]");
        let key = guest.slice(key);
        let value = Value::Text(guest.slice(value));
        guest.edit(Edit::Upsert { write: 0, first_row: 0, end_row: 1, key, value, mode: Mode::Upsert })
    }

    pub(crate) fn reads(mut self, path: &str, patterns: &[&str]) -> Self {
        self.reads.push((path.to_owned(), patterns.iter().map(|&pattern| pattern.to_owned()).collect()));
        self
    }

    /// The last read, so many times in all: they lie in the guest's memory once.
    pub(crate) fn copies_of_reads(mut self, count: u32) -> Self {
        self.copies = count;
        self
    }

    pub(crate) fn writes(mut self, path: &str) -> Self {
        self.writes.push(path.to_owned());
        self
    }

    pub(crate) fn routes(mut self, names: &[&str]) -> Self {
        self.writes.push("route".to_owned());
        self.routes = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    pub(crate) fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// A piece of the script's text, for the edits that follow.
    pub(crate) fn slice(&mut self, text: &str) -> Slice {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Slice { start, end: self.text.len() as u32 }
    }

    /// Answers `configure` with an error.
    pub(crate) fn refuses(mut self, reason: &str) -> Self {
        self.refusal = Some(reason.to_owned());
        self
    }

    /// There is one instance, which remembers.
    pub(crate) fn remembers(mut self) -> Self {
        self.state = 1;
        self
    }

    /// Before anything else, when it is instantiated.
    pub(crate) fn in_start(mut self, instructions: &str) -> Self {
        self.start.push_str(instructions);
        self
    }

    pub(crate) fn in_configure(mut self, instructions: &str) -> Self {
        self.configure.push_str(instructions);
        self
    }

    /// `$now`, `$columns` and `$n` (scratch) are locals.
    pub(crate) fn in_process(mut self, instructions: &str) -> Self {
        self.process.push_str(instructions);
        self
    }

    /// The same on live data only: such a guest passes its self-test.
    pub(crate) fn in_live_process(self, instructions: &str) -> Self {
        self.in_process(&format!("(if {LIVE} (then {instructions}))"))
    }

    pub(crate) fn version(mut self, version: &str) -> Self {
        self.wit = self.wit.replace("@0.2.0;", &format!("@{version};"));
        self
    }

    /// Imports a function that no host gives.
    pub(crate) fn foreign(mut self) -> Self {
        self.wit = self.wit.replace("  import log;", "  import log;\n  import open-file: func() -> u32;");
        self.imports.push_str("(import \"$root\" \"open-file\" (func $foreign (result i32)))");
        self.in_process("(drop (call $foreign))")
    }

    /// The component.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut core = self.core();
        let mut resolve = Resolve::default();
        let package = resolve.push_str("processor.wit", &self.wit).expect("the contract parses");
        let world = resolve.select_world(&[package], Some("processor")).expect("there is one world");
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).expect("metadata are embedded");
        let mut encoder = ComponentEncoder::default();
        encoder.validate(true).module(&core).expect("the module is one of ours");
        encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The core module, which is no component.
    pub(crate) fn core(&self) -> Vec<u8> {
        let mut data = Data::default();
        let plan = self.plan(&mut data);
        let script = self.script(&mut data);
        assert!(data.bytes.len() < (HEAP - DATA) as usize, "the guest's data fit below its heap");
        let bytes: String = data.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let Guest { start, configure, process, imports, .. } = self;
        let version = self.wit.split("tidegate:processor@").nth(1).and_then(|rest| rest.split(';').next());
        let version = version.expect("the contract has a version");
        let text = format!(
            r#"(module
              (import "tidegate:processor/log@{version}" "write" (func $log (param i32 i32 i32)))
              (import "tidegate:processor/counters@{version}" "add" (func $count (param i32 i32 i64)))
              {imports}
              (memory (export "memory") 2)
              (global $top (mut i32) (i32.const {HEAP}))
              (global $script i32 (i32.const {script}))
              (data (i32.const {DATA}) "{bytes}")
              (func (export "cabi_realloc") (param $old i32) (param $len i32) (param $align i32) (param $new i32)
                (result i32) (local $at i32)
                (local.set $at (i32.and
                  (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                  (i32.sub (i32.const 0) (local.get $align))))
                (global.set $top (i32.add (local.get $at) (local.get $new)))
                (block $room (loop $more
                  (br_if $room (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
                  (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
                  (br $more)))
                (local.get $at))
              (func $deep (call $deep))
              (func $start {start})
              (start $start)
              (func (export "configure") (param $signal i32) (param $config i32) (param $config-len i32) (result i32)
                (local $n i32)
                {configure}
                (global.set $top (i32.const {HEAP}))
                (i32.const {plan}))
              (func (export "process") (param $now i64) (param $seed i64)
                (param $cluster i32) (param $cluster-ptr i32) (param $cluster-len i32)
                (param $metadata i32) (param $metadata-len i32) (param $signal i32)
                (param $levels i32) (param $levels-len i32)
                (param $dictionary i32) (param $dictionary-len i32) (param $ends i32) (param $ends-len i32)
                (param $columns i32) (param $columns-len i32) (result i32) (local $n i32)
                {process}
                (global.set $top (i32.const {HEAP}))
                (i32.const {script})))"#
        );
        wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// `result<plan, string>`.
    fn plan(&self, data: &mut Data) -> u32 {
        if let Some(reason) = &self.refusal {
            let (at, len) = data.text(reason);
            return data.words(&[1, at, len, 0, 0, 0, 0, 0]);
        }
        let mut reads: Vec<[u32; 7]> = self
            .reads
            .iter()
            .map(|(path, patterns)| {
                let (path, path_len) = data.text(path);
                let (patterns, patterns_len) = data.texts(patterns);
                // They have no names, and take scalars.
                [path, path_len, patterns, patterns_len, 0, 0, 0]
            })
            .collect();
        let copies = reads.last().copied().into_iter().cycle().take(self.copies as usize - 1);
        reads.extend(copies.collect::<Vec<_>>());
        let count = reads.len() as u32;
        let reads = data.words(&reads.concat());
        let (writes, writes_len) = data.texts(&self.writes);
        let (routes, routes_len) = data.texts(&self.routes);
        data.words(&[0, reads, count, writes, writes_len, routes, routes_len, u32::from(self.state)])
    }

    /// `result<script, string>`.
    fn script(&self, data: &mut Data) -> u32 {
        let (text, text_len) = data.text(&self.text);
        let edits: Vec<u32> = self.edits.iter().flat_map(edit).collect();
        let edits = data.words(&edits);
        data.words(&[0, edits, self.edits.len() as u32, text, text_len])
    }
}

/// The guest's own data, laid out as the canonical ABI wants them.
#[derive(Default)]
struct Data {
    bytes: Vec<u8>,
}

impl Data {
    fn words(&mut self, words: &[u32]) -> u32 {
        let len = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(len, 0);
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        DATA + len as u32
    }

    fn text(&mut self, text: &str) -> (u32, u32) {
        let at = DATA + self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        (at, text.len() as u32)
    }

    fn texts(&mut self, texts: &[String]) -> (u32, u32) {
        let words: Vec<u32> = texts
            .iter()
            .flat_map(|text| {
                let (at, len) = self.text(text);
                [at, len]
            })
            .collect();
        (self.words(&words), texts.len() as u32)
    }
}

/// One `edit`: 56 bytes.
fn edit(edit: &Edit) -> [u32; 14] {
    let mut words = [0; 14];
    let payload: Vec<u32> = match edit {
        Edit::Splice { cell, start, end, with } => vec![*cell, *start, *end, with.start, with.end],
        Edit::Replace { cell, value } => [&[*cell, 0], &words_of(value)[..]].concat(),
        Edit::Remove { cell } => vec![*cell],
        Edit::Upsert { write, first_row, end_row, key, value, mode } => {
            let head = [*write, *first_row, *end_row, key.start, key.end, 0];
            [&head[..], &words_of(value)[..], &[*mode as u32]].concat()
        }
        Edit::Drop { level, first_row, end_row } => vec![level_of(*level), *first_row, *end_row],
        Edit::Route { level, first_row, end_row, route } => vec![level_of(*level), *first_row, *end_row, *route],
        Edit::Erase { write, first_row, end_row, key } => vec![*write, *first_row, *end_row, key.start, key.end],
    };
    words[0] = match edit {
        Edit::Splice { .. } => 0,
        Edit::Replace { .. } => 1,
        Edit::Remove { .. } => 2,
        Edit::Upsert { mode: Mode::Upsert | Mode::Insert | Mode::Update, .. } => 3,
        Edit::Drop { .. } => 4,
        Edit::Route { .. } => 5,
        Edit::Erase { .. } => 6,
    };
    words[2..2 + payload.len()].copy_from_slice(&payload);
    words
}

fn words_of(value: &Value) -> [u32; 4] {
    let wide = |bits: u64| [bits as u32, (bits >> 32) as u32];
    let (tag, [low, high]) = match value {
        Value::Text(slice) => (0, [slice.start, slice.end]),
        Value::Bytes(slice) => (1, [slice.start, slice.end]),
        Value::Signed(number) => (2, wide(number.cast_unsigned())),
        Value::Double(number) => (3, wide(number.to_bits())),
        Value::Boolean(truth) => (4, [u32::from(*truth), 0]),
        Value::Encoded(slice) => (5, [slice.start, slice.end]),
    };
    [tag, 0, low, high]
}

fn level_of(level: Level) -> u32 {
    level as u32
}
