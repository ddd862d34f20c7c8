//! Entries are the parts that the body of a request consists of, such as the events or series of one: they are gathered
//! into requests that keep to a server's limits, and a request that is too large all the same is halved between two of
//! them.

use bytes::Bytes;

/// What stands around entries, and what a request of them may measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) open: &'static str,
    pub(crate) between: &'static str,
    pub(crate) close: &'static str,
    /// The most bytes of a body before it is compressed.
    pub(crate) max_bytes: usize,
    pub(crate) max_entries: usize,
    /// The most bytes of one entry.
    pub(crate) max_entry_bytes: usize,
}

/// The entries of one request, each with a note on what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Entries<N> {
    form: Form,
    /// The entries, and what stands between them.
    text: Bytes,
    marks: Vec<Mark<N>>,
}

/// Where an entry ends, and what it holds.
#[derive(Clone, Debug)]
struct Mark<N> {
    end: usize,
    /// Items that are delivered with this entry; none where another entry stands for them.
    items: u64,
    note: N,
}

/// An entry that is larger than any request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) bytes: usize,
}

/// Gathers entries.
pub(crate) struct Packer<N> {
    form: Form,
    full: Vec<Entries<N>>,
    text: Vec<u8>,
    marks: Vec<Mark<N>>,
}

impl Form {
    fn around(&self) -> usize {
        self.open.len() + self.close.len()
    }
}

impl<N> Entries<N> {
    pub(crate) fn items(&self) -> u64 {
        self.marks.iter().map(|mark| mark.items).sum()
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = &N> {
        self.marks.iter().map(|mark| &mark.note)
    }

    /// The body, in pieces.
    pub(crate) fn body(&self) -> impl Iterator<Item = Bytes> {
        let of = |text: &'static str| Bytes::from_static(text.as_bytes());
        [of(self.form.open), self.text.clone(), of(self.form.close)].into_iter().filter(|piece| !piece.is_empty())
    }

    /// Two requests that hold the same as this one, about as large as each other; none where it is a single entry.
    pub(crate) fn halves(&self) -> Option<[Self; 2]>
    where
        N: Clone,
    {
        let middle = self.text.len() / 2;
        let wanted = self.marks.iter().position(|mark| mark.end > middle)?.max(1);
        let (first, second) = self.marks.split_at_checked(wanted.min(self.marks.len() - 1))?;
        let cut = first.last()?.end;
        let from = cut + self.form.between.len();
        let mut second = second.to_vec();
        for mark in &mut second {
            mark.end -= from;
        }
        let half = |text, marks| Entries { form: self.form, text, marks };
        Some([half(self.text.slice(..cut), first.to_vec()), half(self.text.slice(from..), second)])
    }
}

impl<N> Packer<N> {
    pub(crate) fn new(form: Form) -> Self {
        Packer { form, full: Vec::new(), text: Vec::new(), marks: Vec::new() }
    }

    /// Adds an entry for this many items, which `write` appends to the buffer that it is handed: how many bytes it takes.
    ///
    /// # Errors
    /// When the entry alone is larger than a request or an entry may be; it is left out.
    pub(crate) fn add(&mut self, items: u64, note: N, write: impl FnOnce(&mut Vec<u8>)) -> Result<usize, TooLong> {
        let before = self.text.len();
        if before > 0 {
            self.text.extend_from_slice(self.form.between.as_bytes());
        }
        let start = self.text.len();
        write(&mut self.text);
        let bytes = self.text.len() - start;
        if bytes > self.form.max_entry_bytes || bytes + self.form.around() > self.form.max_bytes {
            self.text.truncate(before);
            return Err(TooLong { bytes });
        }
        let is_full = self.text.len() + self.form.around() > self.form.max_bytes;
        if before > 0 && (is_full || self.marks.len() >= self.form.max_entries) {
            let entry = self.text.split_off(start);
            self.text.truncate(before);
            self.seal();
            self.text = entry;
        }
        self.marks.push(Mark { end: self.text.len(), items, note });
        Ok(bytes)
    }

    /// The requests, in the order in which their entries came.
    pub(crate) fn finish(mut self) -> Vec<Entries<N>> {
        self.seal();
        self.full
    }

    fn seal(&mut self) {
        if !self.marks.is_empty() {
            let text = std::mem::take(&mut self.text).into();
            self.full.push(Entries { form: self.form, text, marks: std::mem::take(&mut self.marks) });
        }
    }
}

#[cfg(test)]
mod tests;
