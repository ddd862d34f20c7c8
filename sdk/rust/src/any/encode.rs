//! A value as protobuf encodes it.

use super::Any;

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LEN: u8 = 2;

impl Any {
    /// The value as an `AnyValue` message, without tag and length: what an edit writes as encoded.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_to(&mut out);
        out
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Any::Text(text) => len(out, 1, text.as_bytes()),
            Any::Bool(truth) => {
                tag(out, 2, VARINT);
                out.push(u8::from(*truth));
            }
            Any::Int(number) => {
                tag(out, 3, VARINT);
                varint(out, number.cast_unsigned());
            }
            Any::Double(number) => {
                tag(out, 4, FIXED64);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Any::List(items) => {
                let mut list = Vec::new();
                items.iter().for_each(|item| len(&mut list, 1, &item.encode()));
                len(out, 5, &list);
            }
            Any::Map(entries) => {
                let mut map = Vec::new();
                for (key, value) in entries {
                    let mut pair = Vec::new();
                    len(&mut pair, 1, key.as_bytes());
                    len(&mut pair, 2, &value.encode());
                    len(&mut map, 1, &pair);
                }
                len(out, 6, &map);
            }
            Any::Bytes(bytes) => len(out, 7, bytes),
            Any::Empty => {}
        }
    }
}

fn len(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    tag(out, number, LEN);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn tag(out: &mut Vec<u8>, number: u8, wire: u8) {
    out.push(number << 3 | wire);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
