//! A shallow walk over protobuf messages that counts sub-messages without decoding them.

fn varint(buf: &[u8], at: &mut usize) -> Option<u64> {
    let mut v = 0u64;
    let mut shift = 0;
    loop {
        let byte = *buf.get(*at)?;
        *at += 1;
        v |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(v);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

/// A field's number and what it holds, as far as the rig cares.
pub enum Field<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
}

/// Calls `visit` for each varint and each length-delimited field; fixed-width ones are passed over. `None` where the
/// message is malformed.
pub fn each<'a>(buf: &'a [u8], mut visit: impl FnMut(Field<'a>) -> Option<()>) -> Option<()> {
    let mut at = 0;
    while at < buf.len() {
        let tag = varint(buf, &mut at)?;
        match tag & 7 {
            0 => visit(Field::Number(tag >> 3, varint(buf, &mut at)?))?,
            1 => at += 8,
            5 => at += 4,
            2 => {
                let len = varint(buf, &mut at)? as usize;
                let end = at.checked_add(len)?;
                visit(Field::Bytes(tag >> 3, buf.get(at..end)?))?;
                at = end;
            }
            _ => return None,
        }
    }
    (at == buf.len()).then_some(())
}

/// Calls `visit` for each sub-message in `field`.
fn each_in<'a>(buf: &'a [u8], field: u64, mut visit: impl FnMut(&'a [u8]) -> Option<()>) -> Option<()> {
    each(buf, |found| match found {
        Field::Bytes(number, inner) if number == field => visit(inner),
        _ => Some(()),
    })
}

/// Log records or spans of an export request: both lie at the same path.
pub fn records(buf: &[u8]) -> Option<u64> {
    let mut n = 0;
    each_in(buf, 1, |resource| each_in(resource, 2, |scope| each_in(scope, 2, |_| Some(n += 1))))?;
    Some(n)
}

/// Data points of an export request.
pub fn points(buf: &[u8]) -> Option<u64> {
    let mut n = 0;
    each_in(buf, 1, |resource| {
        each_in(resource, 2, |scope| {
            each_in(scope, 2, |metric| {
                each(metric, |found| match found {
                    Field::Bytes(5 | 7 | 9 | 10 | 11, data) => each_in(data, 1, |_| Some(n += 1)),
                    _ => Some(()),
                })
            })
        })
    })?;
    Some(n)
}

/// Data points that became a request of remote write: what tells of a resource is none, and of a histogram or summary one of
/// its series counts.
pub fn written(buf: &[u8]) -> Option<u64> {
    let mut n = 0;
    each_in(buf, 1, |series| {
        let (mut is_point, mut samples) = (true, 0);
        each(series, |found| match found {
            Field::Bytes(1, label) => {
                let is_part = [&b"_bucket"[..], b"_sum", b"target_info"].iter().any(|end| label.ends_with(end));
                is_point &= !is_part;
                Some(())
            }
            Field::Bytes(2, _) => Some(samples += 1),
            _ => Some(()),
        })?;
        Some(n += if is_point { samples } else { 0 })
    })?;
    Some(n)
}

/// The count of rejected items in an export response; zero where it has none.
pub fn rejected(response: &[u8]) -> u64 {
    let mut n = 0;
    let _ = each_in(response, 1, |partial| {
        each(partial, |found| {
            if let Field::Number(1, count) = found {
                n = count;
            }
            Some(())
        })
    });
    n
}
