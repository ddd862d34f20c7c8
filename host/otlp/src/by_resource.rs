//! Cutting a payload between its resources, by what somebody says of each of them. What lies together stays where it lies: it
//! is shared, not copied.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::payload::{Payload, Segment};
use crate::schema::{Kind, Message};
use crate::view::{Element as _, Resource};
use crate::wire::Fields;

/// A part in more places than that is put together anew: each would be a segment otherwise.
const PLACES: usize = 64;

/// Where the resources of one key lie: a segment, and the bytes in it.
type Places = Vec<(usize, Range<usize>)>;

impl Payload {
    /// The payload in parts whose resources have one key each, in the order in which the keys come first; what is no resource
    /// goes with the one before it. There is no part of a payload without resources, and nothing where there would be more than
    /// `most`.
    pub fn by_resource<'p, K>(
        &'p self,
        most: usize,
        mut key: impl FnMut(Option<Resource<'p>>) -> K,
    ) -> Option<Vec<(K, Payload)>>
    where
        K: Copy + Eq + Hash,
    {
        let mut parts: Vec<(K, Places)> = Vec::new();
        let mut known: HashMap<K, usize> = HashMap::new();
        for (at, segment) in self.segments().iter().enumerate() {
            let buf = segment.bytes();
            let mut begins = 0;
            let mut open = None;
            for field in Fields::new(buf, 0, buf.len()).filter(|field| field.number == 1) {
                let key = key(resource(Fields::new(buf, field.start, field.end)));
                // Most are of the key of the one before them.
                let same = open.filter(|open: &usize| parts[*open].0 == key);
                let part = same.unwrap_or_else(|| {
                    *known.entry(key).or_insert_with(|| {
                        parts.push((key, Vec::new()));
                        parts.len() - 1
                    })
                });
                if parts.len() > most {
                    return None;
                }
                if let Some(before) = open.filter(|before| *before != part) {
                    parts[before].1.push((at, begins..field.tag));
                    begins = field.tag;
                }
                open = Some(part);
            }
            if let Some(part) = open {
                parts[part].1.push((at, begins..buf.len()));
            }
        }
        Some(match <[_; 1]>::try_from(parts) {
            Ok([(key, _)]) => vec![(key, self.clone())],
            Err(parts) => parts.into_iter().map(|(key, places)| (key, self.part(&places))).collect(),
        })
    }

    fn part(&self, places: &Places) -> Payload {
        let request = Message::request(self.signal());
        let slice = |(at, range): &(usize, Range<usize>)| self.segments()[*at].bytes().slice(range.clone());
        let items = |bytes: &Bytes| items(request, Fields::new(bytes, 0, bytes.len()));
        let mut part = Payload::empty(self.signal());
        if places.len() > PLACES {
            let mut joined = BytesMut::new();
            places.iter().for_each(|place| joined.extend_from_slice(&slice(place)));
            let joined = joined.freeze();
            part.push(Segment::trusted(joined.clone(), items(&joined)));
        } else {
            for bytes in places.iter().map(slice) {
                part.push(Segment::trusted(bytes.clone(), items(&bytes)));
            }
        }
        if self.unknown_fields() > 0 {
            part.count_unknown();
        }
        part
    }
}

/// The resource of what the request holds of one.
fn resource(fields: Fields<'_>) -> Option<Resource<'_>> {
    let buf = fields.buffer();
    fields.into_iter().find(|field| field.number == 1).map(|field| Resource::element(buf, &field))
}

fn items(message: &'static Message, fields: Fields<'_>) -> u32 {
    let buf = fields.buffer();
    let mut counted = 0;
    for field in fields {
        let Some(known) = message.field(field.number).filter(|known| known.holds_items) else { continue };
        let Kind::Message(inner) = known.kind else { continue };
        counted += if inner.item { 1 } else { items(inner, Fields::new(buf, field.start, field.end)) };
    }
    counted
}

#[cfg(test)]
mod tests;
