//! Wants are the fields that some upserts put into one message; applying them walks the message once.

use host_otlp::wire::{self, Field, Fields};

use super::super::op::{Extent, Kind, Op, Ops, Place};
use super::super::{EditError, EditFault};
use crate::pair::Pair;
use crate::path::Class;
use crate::script::Mode;

/// One field that a message shall have.
#[derive(Debug)]
pub(super) struct Want<'a> {
    /// Bit `n`: field `n` is it, or would be if a oneof had that member set.
    pub(super) numbers: u32,
    /// Of an attribute.
    pub(super) key: Option<&'a [u8]>,
    /// The field with its tag, in the side buffer.
    pub(super) bytes: (u32, u32),
    pub(super) mode: Mode,
    pub(super) class: Class,
    pub(super) edit: u32,
}

/// The wants of one message, sorted, no two of them of one field.
#[derive(Debug)]
pub(super) struct Wants<'a> {
    list: Vec<Want<'a>>,
    /// Bit `n`: a want may be field `n`.
    numbers: u32,
    /// Whether any is an attribute.
    keyed: bool,
    /// What a message without any of them gets, in the side buffer.
    pub(super) appended: (u32, u32),
}

/// Wants that are compared one by one.
const FEW: usize = 8;

impl<'a> Wants<'a> {
    pub(super) fn new(ops: &mut Ops<'a>, mut list: Vec<Want<'a>>) -> Result<Wants<'a>, EditError> {
        // Comparing keys is what sorting costs, and it is done for each stretch of rows.
        let keys: usize = list.iter().filter_map(|want| want.key).map(<[u8]>::len).sum();
        if let Some(first) = list.first() {
            ops.pieces.charge(keys);
            ops.within(keys).map_err(|fault| EditError::of(first.edit, fault))?;
        }
        list.sort_by(|a, b| (a.numbers, a.key).cmp(&(b.numbers, b.key)));
        if let Some([a, b]) = list
            .windows(2)
            .find(|pair| pair[0].numbers == pair[1].numbers && pair[0].key == pair[1].key)
            .and_then(|pair| pair.first_chunk::<2>())
        {
            let (first, second) = (a.edit.min(b.edit), a.edit.max(b.edit));
            let fault = EditFault::Overlap { other: first as usize };
            return Err(EditError::Edit { edit: second as usize, fault });
        }
        let numbers = list.iter().fold(0, |numbers, want| numbers | want.numbers);
        let keyed = list.iter().any(|want| want.key.is_some());
        let wants = Wants { list, numbers, keyed, appended: (0, 0) };
        let appended = wants.concat(ops, |_| true)?;
        Ok(Wants { appended, ..wants })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn first_edit(&self) -> u32 {
        self.list.iter().map(|want| want.edit).min().unwrap_or(0)
    }

    /// The bytes of those wants that are appended where they are absent, end to end in the side buffer.
    fn concat(&self, ops: &mut Ops<'_>, absent: impl Fn(usize) -> bool) -> Result<(u32, u32), EditError> {
        let mut wants =
            self.list.iter().enumerate().filter(|(index, want)| want.mode != Mode::Update && absent(*index));
        let Some((_, first)) = wants.next() else { return Ok((0, 0)) };
        let Some((_, second)) = wants.next() else { return Ok(first.bytes) };
        let rest = [first, second].into_iter().chain(wants.map(|(_, want)| want));
        let ranges: Vec<(u32, u32)> = rest.map(|want| want.bytes).collect();
        let joined = ops.encode(|side| {
            for (start, end) in ranges {
                side.extend_from_within(start as usize..end as usize);
            }
        });
        joined.map_err(|fault| EditError::of(self.first_edit(), fault))
    }

    /// The want that `field` is, if any.
    #[inline]
    fn position(&self, buf: &[u8], field: &Field) -> Option<usize> {
        let bit = 1u32.checked_shl(field.number)?;
        if self.numbers & bit == 0 {
            return None;
        }
        let key = || {
            let (start, end) = Pair::read(buf, field.start, field.end).key;
            &buf[start..end]
        };
        if self.list.len() <= FEW {
            let key = if self.keyed { key() } else { &[] };
            let fits = |want: &Want<'_>| want.numbers & bit != 0 && want.key.is_none_or(|wanted| wanted == key);
            return self.list.iter().position(fits);
        }
        let from = self.list.partition_point(|want| want.numbers < bit && want.numbers & bit == 0);
        let first = self.list.get(from).filter(|want| want.numbers & bit != 0)?;
        if first.key.is_none() {
            return Some(from);
        }
        let key = key();
        let found = self.list[from..].binary_search_by(|want| (want.numbers, want.key).cmp(&(bit, Some(key))));
        found.ok().map(|index| from + index)
    }

    /// Writes the wants into the message at `extent`.
    pub(super) fn apply(&self, ops: &mut Ops<'_>, segment: u32, place: Place, extent: Extent) -> Result<(), EditError> {
        let projection = ops.projection;
        let buf = projection.segment(segment);
        let inner = projection.innermost(&place);
        let mut found = Found::new(self.list.len());
        for field in Fields::new(buf, extent.content as usize, extent.end as usize) {
            let Some(index) = self.position(buf, &field) else { continue };
            let want = &self.list[index];
            let again = found.mark(index);
            let absent = is_default(buf, &field, want.class);
            let writes = match want.mode {
                Mode::Upsert => true,
                Mode::Insert => absent,
                Mode::Update => !absent,
            };
            if writes {
                // A key that stands there again would be a second value.
                let with = if again { (0, 0) } else { want.bytes };
                let (start, end) = (field.tag as u32, field.end as u32);
                let op = Op { segment, start, end, with, place, inner, edit: want.edit, kind: Kind::Change };
                ops.push(op).map_err(|fault| EditError::of(want.edit, fault))?;
            }
        }
        let with = match found.any() {
            false => self.appended,
            true => self.concat(ops, |index| !found.has(index))?,
        };
        if with.0 < with.1 {
            let (start, edit) = (extent.end, self.first_edit());
            let op = Op { segment, start, end: start, with, place, inner, edit, kind: Kind::Append };
            ops.push(op).map_err(|fault| EditError::of(edit, fault))?;
        }
        Ok(())
    }
}

/// Which wants a message has already.
enum Found {
    Few(u64),
    Many(Vec<bool>),
}

impl Found {
    fn new(wants: usize) -> Found {
        if wants <= 64 { Found::Few(0) } else { Found::Many(vec![false; wants]) }
    }

    /// Notes it; says whether it was noted before.
    fn mark(&mut self, index: usize) -> bool {
        match self {
            Found::Few(bits) => {
                let bit = 1 << index;
                let before = *bits & bit != 0;
                *bits |= bit;
                before
            }
            Found::Many(list) => std::mem::replace(&mut list[index], true),
        }
    }

    fn has(&self, index: usize) -> bool {
        match self {
            Found::Few(bits) => bits & 1 << index != 0,
            Found::Many(list) => list[index],
        }
    }

    fn any(&self) -> bool {
        match self {
            Found::Few(bits) => *bits != 0,
            Found::Many(list) => list.contains(&true),
        }
    }
}

/// Whether a field says what its absence would say.
fn is_default(buf: &[u8], field: &Field, class: Class) -> bool {
    let value = &buf[field.start..field.end];
    match class {
        // A map's entry, an `AnyValue`, a oneof's member and an optional field are there as soon as they stand there.
        Class::Map | Class::Any | Class::Number | Class::Double | Class::Member => false,
        Class::Text | Class::Texts | Class::TraceId | Class::SpanId => value.is_empty(),
        Class::Fixed64 | Class::Fixed32 => value.iter().all(|byte| *byte == 0),
        Class::Boolean => value.iter().all(|byte| byte & 0x7f == 0),
        // Decoders look at 32 bits of these, however many stand there.
        Class::Signed32 | Class::Unsigned32 | Class::Zigzag => {
            wire::varint(buf, field.start).is_none_or(|(value, _)| value as u32 == 0)
        }
    }
}
