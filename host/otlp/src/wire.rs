//! The protobuf wire format: tags, varints and length prefixes, read from a slice and written to a buffer.
//!
//! Reading never trusts the input: each function returns `None` where the bytes end early or a varint is longer than a
//! decoder would take. Group wire types and field number 0 do not exist here.

/// How a field's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    Varint,
    Fixed64,
    Len,
    Fixed32,
}

impl WireType {
    /// The type with these low three bits of a tag; groups and reserved values have none.
    #[inline]
    pub fn from_bits(bits: u64) -> Option<WireType> {
        match bits & 7 {
            0 => Some(WireType::Varint),
            1 => Some(WireType::Fixed64),
            2 => Some(WireType::Len),
            5 => Some(WireType::Fixed32),
            _ => None,
        }
    }

    #[inline]
    pub fn bits(self) -> u32 {
        match self {
            WireType::Varint => 0,
            WireType::Fixed64 => 1,
            WireType::Len => 2,
            WireType::Fixed32 => 5,
        }
    }
}

/// Reads a varint at `pos`: its value and the position after it.
#[inline(always)]
pub fn varint(buf: &[u8], pos: usize) -> Option<(u64, usize)> {
    let first = *buf.get(pos)?;
    if first < 0x80 {
        return Some((u64::from(first), pos + 1));
    }
    // Two bytes: the length of most bodies and items.
    let second = *buf.get(pos + 1)?;
    if second < 0x80 {
        return Some((u64::from(first & 0x7f) | u64::from(second) << 7, pos + 2));
    }
    varint_long(buf, pos)
}

#[inline(never)]
fn varint_long(buf: &[u8], pos: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for i in 0..10 {
        let byte = *buf.get(pos + i)?;
        if i == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((value, pos + i + 1));
        }
    }
    None
}

/// Reads a length prefix at `pos`: the start and the end of what it announces, which lies inside `buf`.
#[inline(always)]
pub fn length(buf: &[u8], pos: usize) -> Option<(usize, usize)> {
    let (len, start) = varint(buf, pos)?;
    let len = usize::try_from(len).ok()?;
    let end = start.checked_add(len)?;
    (end <= buf.len()).then_some((start, end))
}

/// The position after the value of type `wire` that starts at `pos`.
#[inline]
pub fn skip(buf: &[u8], pos: usize, wire: WireType) -> Option<usize> {
    let end = match wire {
        WireType::Varint => return varint(buf, pos).map(|(_, end)| end),
        WireType::Len => return length(buf, pos).map(|(_, end)| end),
        WireType::Fixed64 => pos.checked_add(8)?,
        WireType::Fixed32 => pos.checked_add(4)?,
    };
    (end <= buf.len()).then_some(end)
}

/// How many bytes `value` takes as a varint.
#[inline]
pub fn varint_len(value: u64) -> usize {
    ((63 - (value | 1).leading_zeros() as usize) * 9 + 73) / 64
}

/// Appends `value` as a varint.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the tag of field `number`.
#[inline]
pub fn put_tag(out: &mut Vec<u8>, number: u32, wire: WireType) {
    put_varint(out, u64::from(number << 3 | wire.bits()));
}

/// Appends field `number` with `bytes` behind a length prefix.
#[inline]
pub fn put_len(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_tag(out, number, WireType::Len);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes the length of what stands behind the `room` bytes at `at` there, as a prefix; where that takes more or fewer
/// bytes, what stands behind it moves by the difference.
pub fn close_len(out: &mut Vec<u8>, at: usize, room: usize) {
    let len = out.len() - at - room;
    let needed = varint_len(len as u64);
    if needed != room {
        out.resize(at + len + needed.max(room), 0);
        out.copy_within(at + room..at + room + len, at + needed);
        out.truncate(at + needed + len);
    }
    let mut rest = len;
    for byte in &mut out[at..at + needed] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[at + needed - 1] &= 0x7f;
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub number: u32,
    pub wire: WireType,
    /// Where the tag starts.
    pub tag: usize,
    /// The value; of a length-delimited field what stands behind the prefix.
    pub start: usize,
    pub end: usize,
}

/// The fields of a message that lies at `pos..end` in `buf`, in wire order.
///
/// Made for payloads that passed the check: iteration simply ends at bytes that are no field.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    buf: &'a [u8],
    pos: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    #[inline]
    pub fn new(buf: &'a [u8], start: usize, end: usize) -> Self {
        Fields { buf, pos: start, end: end.min(buf.len()) }
    }

    /// The fields from the one whose tag is at `pos`.
    pub fn from(&self, pos: usize) -> Self {
        Fields { buf: self.buf, pos, end: self.end }
    }

    /// The fields as they lie there.
    pub fn bytes(&self) -> &'a [u8] {
        self.buf.get(self.pos..self.end).unwrap_or_default()
    }

    /// What the fields lie in.
    pub fn buffer(&self) -> &'a [u8] {
        self.buf
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    #[inline(always)]
    fn next(&mut self) -> Option<Field> {
        if self.pos >= self.end {
            return None;
        }
        let tag = self.pos;
        let (key, pos) = varint(self.buf, tag)?;
        let wire = WireType::from_bits(key)?;
        let number = (key >> 3) as u32;
        let (start, end) = match wire {
            WireType::Len => length(self.buf, pos)?,
            other => (pos, skip(self.buf, pos, other)?),
        };
        self.pos = end;
        Some(Field { number, wire, tag, start, end })
    }
}
