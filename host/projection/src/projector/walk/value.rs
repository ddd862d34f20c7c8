//! Attributes and values: `KeyValue` and `AnyValue`, however deep.

use host_otlp::wire::{self, Field, Fields};

use super::super::pack::{Cell, Slot};
use super::super::table::{Gate, Spec};
use super::Walk;
use crate::pair::{Pair, member};
use crate::pattern::Patterns;
use crate::projection::{Form, NONE};

impl<'a> Walk<'a, '_> {
    /// One `KeyValue` of a map for which `spec` says who reads what.
    #[inline]
    pub(super) fn pair(&mut self, spec: &'a Spec, tag: usize, start: usize, end: usize) {
        if let Some(Gate { read, deep }) = spec.gate
            && let Some(patterns) = self.compiled.reads[read as usize].patterns.as_deref()
        {
            return self.gated_pair(if deep { &spec.deep } else { &spec.values }, deep, patterns, tag, (start, end));
        }
        let pair = Pair::read(self.buf, start, end);
        if spec.has_more {
            self.more_of_pair(spec, tag, &pair, true);
        }
        if !spec.deep.is_empty() && pair.key.0 < pair.key.1 {
            self.text(&spec.deep, Slot::Key, pair.key, (Form::Key, tag), Some(pair.key));
        }
        let Some((value_tag, content)) = pair.value else { return };
        let Some(member) = member(self.buf, content) else { return };
        let value = Value { site: (Form::Pair, tag), value_tag, member, key: Some(pair.key) };
        if !spec.deep.is_empty() {
            self.deep(&spec.deep, &value);
        }
        if !spec.values.is_empty() {
            self.itself(&spec.values, &value);
        }
        for (key, child) in &spec.keys {
            if **key == self.buf[pair.key.0..pair.key.1] {
                self.value(&self.compiled.table.specs[*child as usize], &value);
            }
        }
    }

    /// The same where all reads have these patterns and are deep, or of the map's own values. One look at a short pair
    /// answers for key and value.
    #[inline]
    fn gated_pair(
        &mut self,
        reads: &'a [u32],
        deep: bool,
        patterns: &Patterns,
        tag: usize,
        (start, end): (usize, usize),
    ) {
        let signs = patterns.signs(self.buf, start, end);
        if !patterns.may_match_by(signs, self.buf, (start, end)) {
            return;
        }
        let pair = Pair::read(self.buf, start, end);
        if deep && pair.key.0 < pair.key.1 && patterns.may_match_by(signs, self.buf, pair.key) {
            for &read in reads {
                self.text_of(read, Some(patterns), Slot::Key, pair.key, (Form::Key, tag), Some(pair.key));
            }
        }
        let Some((value_tag, content)) = pair.value else { return };
        let Some(member) = member(self.buf, content) else { return };
        let slot = match member.number {
            1 => Slot::Text,
            7 => Slot::Bytes,
            5 | 6 if deep => {
                let value = Value { site: (Form::Pair, tag), value_tag, member, key: Some(pair.key) };
                return self.within(reads, &value);
            }
            _ => return,
        };
        let cell = (member.start, member.end);
        if patterns.may_match_by(signs, self.buf, cell) {
            for &read in reads {
                self.text_of(read, Some(patterns), slot, cell, (Form::Pair, tag), Some(pair.key));
            }
        }
    }

    /// An `AnyValue` that is a field of its own: the body of a log record.
    pub(super) fn any(&mut self, spec: &'a Spec, tag: usize, content: (usize, usize)) {
        if spec.has_more {
            self.more_of_any(spec, tag, content);
        }
        if let Some(member) = member(self.buf, content) {
            self.value(spec, &Value { site: (Form::Any, tag), value_tag: tag, member, key: None });
        }
    }

    fn value(&mut self, spec: &'a Spec, value: &Value) {
        self.itself(&spec.itself, value);
        self.deep(&spec.deep, value);
        if value.member.number == 6 && !(spec.values.is_empty() && spec.keys.is_empty() && spec.more.values.is_empty())
        {
            // The deep reads have been here; what is left are keys and values.
            let depth = self.enter(value);
            for pair in Fields::new(self.buf, value.member.start, value.member.end).filter(|pair| pair.number == 1) {
                self.shallow(spec, &pair);
            }
            self.open.truncate(depth);
        }
    }

    /// One `KeyValue` of a map in a value, for all reads but the deep ones.
    fn shallow(&mut self, spec: &'a Spec, field: &Field) {
        let pair = Pair::read(self.buf, field.start, field.end);
        if spec.has_more {
            self.more_of_pair(spec, field.tag, &pair, false);
        }
        let Some((value_tag, content)) = pair.value else { return };
        let Some(member) = member(self.buf, content) else { return };
        let value = Value { site: (Form::Pair, field.tag), value_tag, member, key: Some(pair.key) };
        self.itself(&spec.values, &value);
        for (key, child) in &spec.keys {
            if **key == self.buf[pair.key.0..pair.key.1] {
                self.value(&self.compiled.table.specs[*child as usize], &value);
            }
        }
    }

    /// The value itself, where it is a scalar.
    #[inline]
    fn itself(&mut self, reads: &'a [u32], value: &Value) {
        let member = &value.member;
        if reads.is_empty() {
            return;
        }
        match member.number {
            1 => self.text(reads, Slot::Text, (member.start, member.end), value.site, value.key),
            7 => self.text(reads, Slot::Bytes, (member.start, member.end), value.site, value.key),
            _ => {
                if let Some(cell) = self.number_of(member) {
                    self.number(reads, cell, value.site, value.key);
                }
            }
        }
    }

    /// The number or truth value that a member is.
    #[inline]
    pub(super) fn number_of(&self, member: &Field) -> Option<Cell> {
        Some(match member.number {
            2 => Cell::Boolean(self.varint(member) != 0),
            3 => Cell::Signed(self.varint(member) as i64),
            4 => {
                let bytes = self.buf.get(member.start..).and_then(<[u8]>::first_chunk::<8>);
                Cell::Double(bytes.map_or(0.0, |bytes| f64::from_le_bytes(*bytes)))
            }
            _ => return None,
        })
    }

    fn varint(&self, member: &Field) -> u64 {
        wire::varint(self.buf, member.start).map_or(0, |(value, _)| value)
    }

    /// Every text, byte string and map key in the value.
    #[inline]
    fn deep(&mut self, reads: &'a [u32], value: &Value) {
        let member = &value.member;
        match member.number {
            _ if reads.is_empty() => {}
            1 => self.text(reads, Slot::Text, (member.start, member.end), value.site, value.key),
            7 => self.text(reads, Slot::Bytes, (member.start, member.end), value.site, value.key),
            5 | 6 => self.within(reads, value),
            _ => {}
        }
    }

    /// The items of an array or the pairs of a map.
    fn within(&mut self, reads: &'a [u32], value: &Value) {
        let depth = self.enter(value);
        let list = value.member.number == 5;
        for field in Fields::new(self.buf, value.member.start, value.member.end).filter(|field| field.number == 1) {
            if list {
                if let Some(member) = member(self.buf, (field.start, field.end)) {
                    let item = Value { site: (Form::Any, field.tag), value_tag: field.tag, member, key: value.key };
                    self.deep(reads, &item);
                }
                continue;
            }
            let pair = Pair::read(self.buf, field.start, field.end);
            if pair.key.0 < pair.key.1 {
                self.text(reads, Slot::Key, pair.key, (Form::Key, field.tag), Some(pair.key));
            }
            if let Some((value_tag, content)) = pair.value
                && let Some(member) = member(self.buf, content)
            {
                let inner = Value { site: (Form::Pair, field.tag), value_tag, member, key: Some(pair.key) };
                self.deep(reads, &inner);
            }
        }
        self.open.truncate(depth);
    }

    fn enter(&mut self, value: &Value) -> usize {
        self.open_value(value.site, value.value_tag, &value.member)
    }

    /// Opens the messages from the value's outermost to the array or map that it is; returns how many were open.
    #[inline]
    pub(super) fn open_value(&mut self, (form, tag): (Form, usize), value_tag: usize, member: &Field) -> usize {
        let depth = self.open.len();
        if form == Form::Pair {
            self.open.push((tag as u32, NONE));
        }
        self.open.push((value_tag as u32, NONE));
        self.open.push((member.tag as u32, NONE));
        depth
    }
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
struct Value {
    site: (Form, usize),
    value_tag: usize,
    member: Field,
    /// The nearest key.
    key: Option<(usize, usize)>,
}
