//! An edit replaces ranges of an encoded request and repairs the length prefixes around them, in passes over the edits.
//!
//! Whoever walks the request anyhow (the projection) leaves a table of [`Frame`]s; the changes arrive as [`Patch`]es,
//! sorted. A patch changes the length of its frame and, through the varint of that length, of the frames around it. One
//! pass from the last frame to the first settles every new length; one merge of the changed heads with the patches
//! writes the result. The message is never walked again, and frames whose length stays keep their bytes.

use crate::wire;

/// The request itself, where a [`Frame`] or a [`Patch`] names the frame around it.
pub const REQUEST: u32 = u32::MAX;

/// One length-delimited message of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where the field's tag starts.
    pub tag: u32,
    /// The first byte behind the length prefix.
    pub content: u32,
    pub end: u32,
    /// Index of the frame around this one, which is smaller than its own, or [`REQUEST`].
    pub parent: u32,
}

/// Puts other bytes in the place of `start..end`; with `start == end` it inserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    pub start: u32,
    pub end: u32,
    /// The innermost frame that holds the range, or [`REQUEST`]. A frame that is removed whole, tag and all, lies in its
    /// parent.
    pub frame: u32,
    /// Range of [`Edits::side`].
    pub with: (u32, u32),
}

/// The changes to one buffer.
#[derive(Clone, Copy, Debug)]
pub struct Edits<'a> {
    /// In any order that puts parents first; the order of their tags is fastest.
    pub frames: &'a [Frame],
    /// Sorted by `start`, without overlap. Insertions at one place apply in the order given, inner frames first.
    pub patches: &'a [Patch],
    /// What the patches insert.
    pub side: &'a [u8],
}

/// Why edits were refused; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("patch {0} overlaps another one or stands out of order")]
    Overlap(usize),
    #[error("patch {0} lies outside of its frame, of the request or of the replacement bytes")]
    Range(usize),
    #[error("frame {0} is no length-delimited field within its parent")]
    Frame(usize),
    #[error("the edited request would be larger than 4 GiB")]
    Size,
}

/// Memory that one call leaves to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// By frame.
    deltas: Vec<i64>,
    /// Changed frames, last first.
    heads: Vec<Head>,
}

/// The tag and length prefix of a frame whose length changes.
#[derive(Clone, Copy, Debug)]
struct Head {
    tag: u32,
    /// Where the old prefix starts.
    prefix: u32,
    content: u32,
    len: u32,
}

/// Applies `edits` to `buf`.
///
/// The frame table is trusted to describe `buf`; tests and debug builds verify that each patch names its innermost frame.
///
/// # Errors
/// Overlapping, unsorted or misplaced patches, and a result beyond 4 GiB.
pub fn splice(buf: &[u8], edits: &Edits<'_>, scratch: &mut Scratch) -> Result<Vec<u8>, EditError> {
    if cfg!(any(test, debug_assertions)) {
        innermost(edits)?;
    }
    scratch.reset(edits.frames.len());
    let mut delta = scratch.charge(buf, edits)?;
    delta += scratch.repair(buf, edits.frames)?;
    let len = u32::try_from(buf.len() as i64 + delta).map_err(|_| EditError::Size)?;
    emit(buf, edits, &scratch.heads, len as usize)
}

impl Scratch {
    fn reset(&mut self, frames: usize) {
        self.deltas.clear();
        self.deltas.resize(frames, 0);
        self.heads.clear();
    }

    /// Charges each patch to its frame and returns what falls on the request itself.
    fn charge(&mut self, buf: &[u8], edits: &Edits<'_>) -> Result<i64, EditError> {
        let whole = Frame { tag: 0, content: 0, end: buf.len() as u32, parent: REQUEST };
        let mut last = Patch { start: 0, end: 0, frame: REQUEST, with: (0, 0) };
        let mut request = 0;
        for (i, patch) in edits.patches.iter().enumerate() {
            let frame = match patch.frame {
                REQUEST => &whole,
                index => edits.frames.get(index as usize).ok_or(EditError::Range(i))?,
            };
            let inside = frame.content <= patch.start && patch.start <= patch.end && patch.end <= frame.end;
            // A frame whose length stays is not looked at any further: it may end where the request does not reach.
            let inside = inside && patch.end <= whole.end;
            if !inside || patch.with.0 > patch.with.1 || patch.with.1 as usize > edits.side.len() {
                return Err(EditError::Range(i));
            }
            if patch.start < last.end || (patch.start == last.start && i > 0 && swapped(edits.frames, &last, patch)) {
                return Err(EditError::Overlap(i));
            }
            let delta = i64::from(patch.with.1 - patch.with.0) - i64::from(patch.end - patch.start);
            match patch.frame {
                REQUEST => request += delta,
                index => self.deltas[index as usize] += delta,
            }
            last = *patch;
        }
        Ok(request)
    }

    /// Settles the length of each frame that changes, children before parents; returns what falls on the request itself.
    fn repair(&mut self, buf: &[u8], frames: &[Frame]) -> Result<i64, EditError> {
        let mut request = 0;
        for (index, frame) in frames.iter().enumerate().rev() {
            let delta = self.deltas[index];
            if delta == 0 {
                continue;
            }
            let head = head(buf, frame, delta).ok_or(EditError::Frame(index))?;
            let old_prefix = i64::from(frame.content - head.prefix);
            let delta = delta + wire::varint_len(u64::from(head.len)) as i64 - old_prefix;
            self.heads.push(head);
            if frame.parent == REQUEST {
                request += delta;
                continue;
            }
            let parent = frame.parent as usize;
            let holds = parent < index && frames[parent].content <= frame.tag && frame.end <= frames[parent].end;
            if !holds {
                return Err(EditError::Frame(index));
            }
            self.deltas[parent] += delta;
        }
        if !self.heads.is_sorted_by(|a, b| a.tag > b.tag) {
            self.heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.tag));
        }
        Ok(request)
    }
}

/// Whether `next`, at the place where `last` stands, belongs before it: its frame ends here and does not hold `last`.
#[cold]
fn swapped(frames: &[Frame], last: &Patch, next: &Patch) -> bool {
    if next.frame == last.frame || next.frame == REQUEST {
        return false;
    }
    let outer = &frames[next.frame as usize];
    let holds = last.frame != REQUEST && frames[last.frame as usize].tag >= outer.content;
    outer.end == next.start && !holds
}

#[inline]
fn head(buf: &[u8], frame: &Frame, delta: i64) -> Option<Head> {
    let (_, prefix) = wire::varint(buf, frame.tag as usize)?;
    let prefix = u32::try_from(prefix).ok()?;
    if prefix >= frame.content || frame.content > frame.end || frame.end as usize > buf.len() {
        return None;
    }
    let len = u32::try_from(i64::from(frame.end - frame.content) + delta).ok()?;
    Some(Head { tag: frame.tag, prefix, content: frame.content, len })
}

/// Writes the result: patches and heads by position, and what lies between them as it was.
fn emit(buf: &[u8], edits: &Edits<'_>, heads: &[Head], len: usize) -> Result<Vec<u8>, EditError> {
    let mut out = Vec::with_capacity(len);
    let mut pos = 0;
    let mut heads = heads.iter().rev().peekable();
    for (i, patch) in edits.patches.iter().enumerate() {
        while let Some(head) = heads.next_if(|head| head.tag < patch.start) {
            pos = put_head(buf, &mut out, pos, head).ok_or(EditError::Overlap(i))?;
        }
        if (patch.start as usize) < pos {
            return Err(EditError::Overlap(i));
        }
        out.extend_from_slice(&buf[pos..patch.start as usize]);
        out.extend_from_slice(&edits.side[patch.with.0 as usize..patch.with.1 as usize]);
        pos = patch.end as usize;
    }
    for head in heads {
        pos = put_head(buf, &mut out, pos, head).ok_or(EditError::Overlap(edits.patches.len()))?;
    }
    out.extend_from_slice(&buf[pos..]);
    debug_assert_eq!(out.len(), len, "the lengths were settled before");
    Ok(out)
}

#[inline]
fn put_head(buf: &[u8], out: &mut Vec<u8>, pos: usize, head: &Head) -> Option<usize> {
    // A head before `pos` was removed by a patch, yet something in its frame was changed.
    if (head.tag as usize) < pos {
        return None;
    }
    out.extend_from_slice(&buf[pos..head.prefix as usize]);
    wire::put_varint(out, u64::from(head.len));
    Some(head.content as usize)
}

/// Verifies that no patch starts or ends within a frame that it does not name.
fn innermost(edits: &Edits<'_>) -> Result<(), EditError> {
    let frames = edits.frames;
    let mut order: Vec<u32> = (0..frames.len() as u32).collect();
    order.sort_by_key(|&i| frames[i as usize].tag);
    // The innermost frame that has `at` strictly inside: the last one to start before it, or one around that.
    let holder = |at: u32| {
        let before = order.partition_point(|&i| frames[i as usize].tag < at);
        let mut index = if before == 0 { REQUEST } else { order[before - 1] };
        while let Some(frame) = frames.get(index as usize)
            && frame.end <= at
        {
            index = if frame.parent < index { frame.parent } else { REQUEST };
        }
        index
    };
    for (i, patch) in edits.patches.iter().enumerate() {
        if !around(frames, holder(patch.start), patch.frame) || !around(frames, holder(patch.end), patch.frame) {
            return Err(EditError::Range(i));
        }
    }
    Ok(())
}

/// Whether `outer` is `inner` or one of the frames around it.
fn around(frames: &[Frame], outer: u32, mut inner: u32) -> bool {
    while inner != outer {
        match frames.get(inner as usize) {
            Some(frame) if frame.parent < inner || frame.parent == REQUEST => inner = frame.parent,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
