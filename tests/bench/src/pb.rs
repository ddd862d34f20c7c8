//! A writer of protobuf messages that remembers the places which differ from one request to the next.

/// A place in an encoded message that is rewritten before each send.
#[derive(Clone, Copy)]
pub enum Mark {
    /// Eight bytes: the time now, less this many nanoseconds.
    Time(u64),
    /// A trace or span id of so many bytes.
    Id(usize),
    /// So many hexadecimal digits.
    Hex(usize),
    /// So many bytes of free text.
    Text(usize),
}

#[derive(Default)]
pub struct Pb {
    pub buf: Vec<u8>,
    /// Each mark with its offset, in ascending order.
    pub marks: Vec<(usize, Mark)>,
}

impl Pb {
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.buf.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.buf.push(v as u8);
    }

    fn tag(&mut self, field: u32, wire: u8) {
        self.varint(u64::from(field) << 3 | u64::from(wire));
    }

    /// Says that the last `len` bytes differ from request to request.
    fn mark(&mut self, len: usize, mark: Mark) {
        self.marks.push((self.buf.len() - len, mark));
    }

    pub fn uint(&mut self, field: u32, v: u64) {
        self.tag(field, 0);
        self.varint(v);
    }

    pub fn fixed64(&mut self, field: u32, v: u64) {
        self.tag(field, 1);
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    pub fn fixed32(&mut self, field: u32, v: u32) {
        self.tag(field, 5);
        self.buf.extend_from_slice(&v.to_le_bytes());
    }

    pub fn double(&mut self, field: u32, v: f64) {
        self.fixed64(field, v.to_bits());
    }

    /// A time field that holds `now - age`.
    pub fn time(&mut self, field: u32, now: u64, age: u64) {
        self.fixed64(field, now - age);
        self.mark(8, Mark::Time(age));
    }

    pub fn bytes(&mut self, field: u32, v: &[u8]) {
        self.tag(field, 2);
        self.varint(v.len() as u64);
        self.buf.extend_from_slice(v);
    }

    pub fn str(&mut self, field: u32, v: &str) {
        self.bytes(field, v.as_bytes());
    }

    /// A trace or span id.
    pub fn id(&mut self, field: u32, id: &[u8]) {
        self.bytes(field, id);
        self.mark(id.len(), Mark::Id(id.len()));
    }

    /// A string whose last `digits` bytes are hexadecimal digits of each request's own.
    pub fn str_ending_in_hex(&mut self, field: u32, v: &str, digits: usize) {
        self.str(field, v);
        self.mark(digits, Mark::Hex(digits));
    }

    /// A string of free text that each request has its own of.
    pub fn text(&mut self, field: u32, v: &str) {
        self.str(field, v);
        self.mark(v.len(), Mark::Text(v.len()));
    }

    pub fn sub(&mut self, field: u32, fill: impl FnOnce(&mut Pb)) {
        let mut inner = Pb::default();
        fill(&mut inner);
        self.tag(field, 2);
        self.varint(inner.buf.len() as u64);
        let base = self.buf.len();
        self.buf.extend_from_slice(&inner.buf);
        self.marks.extend(inner.marks.iter().map(|&(offset, mark)| (offset + base, mark)));
    }
}

/// An attribute with a string value.
pub fn attr(pb: &mut Pb, field: u32, key: &str, value: &str) {
    pb.sub(field, |kv| {
        kv.str(1, key);
        kv.sub(2, |v| v.str(1, value));
    });
}

/// An attribute whose value ends in hexadecimal digits of each request's own.
pub fn attr_ending_in_hex(pb: &mut Pb, field: u32, key: &str, value: &str, digits: usize) {
    pb.sub(field, |kv| {
        kv.str(1, key);
        kv.sub(2, |v| v.str_ending_in_hex(1, value, digits));
    });
}

/// An attribute with an integer value.
pub fn attr_int(pb: &mut Pb, field: u32, key: &str, value: u64) {
    pb.sub(field, |kv| {
        kv.str(1, key);
        kv.sub(2, |v| v.uint(3, value));
    });
}

/// An attribute with a floating-point value.
pub fn attr_double(pb: &mut Pb, field: u32, key: &str, value: f64) {
    pb.sub(field, |kv| {
        kv.str(1, key);
        kv.sub(2, |v| v.double(4, value));
    });
}

/// An attribute with a boolean value.
pub fn attr_bool(pb: &mut Pb, field: u32, key: &str, value: bool) {
    pb.sub(field, |kv| {
        kv.str(1, key);
        kv.sub(2, |v| v.uint(2, u64::from(value)));
    });
}
