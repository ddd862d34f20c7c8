//! More than scalars as they are: values of every type with their lists and maps, and scalars as text.

use host_otlp::wire::{Field, Fields};

use super::super::pack::Slot;
use super::super::print;
use super::super::table::{Forms, Spec};
use super::{CELL, ROOM, SLOTS, Walk};
use crate::pair::{Pair, member};
use crate::plan::Cells;
use crate::projection::{Form, Site};

/// An attribute or a value of its own, with or without a value in it.
#[derive(Clone, Copy)]
struct Place {
    site: (Form, usize),
    /// The `AnyValue`: its tag and content.
    value: Option<(usize, (usize, usize))>,
    /// The nearest key.
    key: Option<(usize, usize)>,
}

impl<'a> Walk<'a, '_> {
    /// What else is read of one `KeyValue`; the deep reads only where it is of the map that they start from.
    #[inline(never)]
    pub(super) fn more_of_pair(&mut self, spec: &'a Spec, tag: usize, pair: &Pair, deep: bool) {
        let place = Place { site: (Form::Pair, tag), value: pair.value, key: Some(pair.key) };
        if deep && !spec.more.deep.is_empty() {
            self.deep_pair(&spec.more.deep, tag, pair);
        }
        self.each(&spec.more.values, &place);
        for (key, child) in &spec.keys {
            let child = &self.compiled.table.specs[*child as usize];
            if child.has_more && **key == self.buf[pair.key.0..pair.key.1] {
                self.more_of_value(child, &place);
            }
        }
    }

    /// What else is read of an `AnyValue` that is a field of its own.
    #[inline(never)]
    pub(super) fn more_of_any(&mut self, spec: &'a Spec, tag: usize, content: (usize, usize)) {
        self.more_of_value(spec, &Place { site: (Form::Any, tag), value: Some((tag, content)), key: None });
    }

    fn more_of_value(&mut self, spec: &'a Spec, place: &Place) {
        self.each(&spec.more.itself, place);
        if !spec.more.deep.is_empty() {
            self.deep_printed(&spec.more.deep, place);
        }
    }

    /// The value itself, in the form that each read wants.
    fn each(&mut self, reads: &'a Forms, place: &Place) {
        self.printed(&reads.printed, place);
        if reads.whole.is_empty() {
            return;
        }
        let member = self.member(place);
        let is_composite = member.is_none_or(|member| matches!(member.number, 5 | 6));
        for &read in &reads.whole {
            if is_composite || self.compiled.reads[read as usize].cells != Cells::Composites {
                self.whole(read, place, member);
            }
        }
    }

    fn member(&self, place: &Place) -> Option<Field> {
        place.value.and_then(|(_, content)| member(self.buf, content))
    }

    /// Keeps a value of any type where the key matches, or the read has no patterns.
    fn whole(&mut self, read: u32, place: &Place, member: Option<Field>) {
        let number = member.as_ref().and_then(|member| self.number_of(member));
        let content = place.value.map_or((0, 0), |(_, content)| content);
        let (slot, cell) = match (&member, number) {
            (_, Some(number)) => (number.slot(), (0, 0)),
            (Some(text), _) if text.number == 1 => (Slot::Text, (text.start, text.end)),
            (Some(bytes), _) if bytes.number == 7 => (Slot::Bytes, (bytes.start, bytes.end)),
            _ => (Slot::Encoded, content),
        };
        let key = place.key.unwrap_or_default();
        self.allowance.charge(CELL + (cell.1 - cell.0));
        if self.allowance.is_spent() {
            return;
        }
        let at = read as usize * SLOTS + slot as usize;
        if let Some(patterns) = &self.compiled.reads[read as usize].patterns {
            self.allowance.charge(key.1 - key.0);
            let scratch = &mut self.scratches[self.compiled.reads[read as usize].set];
            let column = &mut self.columns[at];
            let index = column.cells();
            let matches = column.matches();
            if !patterns.may_match(self.buf, key.0, key.1)
                || !patterns.find(scratch, self.buf, key, index, matches, &mut self.allowance)
            {
                return;
            }
        }
        self.allowance.take(ROOM + (cell.1 - cell.0));
        let (form, tag) = place.site;
        let site = Site { form, tag: tag as u32, nest: self.nest() };
        let key = self.key(read, place.key);
        let column = &mut self.columns[at];
        column.push(site, self.row, key);
        match number {
            Some(number) => column.push_cell(number),
            None => column.push_text(&self.buf[cell.0..cell.1]),
        }
    }

    /// Keeps a scalar as text.
    fn printed(&mut self, reads: &'a [u32], place: &Place) {
        if reads.is_empty() || self.allowance.is_spent() {
            return;
        }
        let Some(member) = self.member(place) else { return };
        if member.number == 1 {
            return self.text(reads, Slot::Text, (member.start, member.end), place.site, place.key);
        }
        self.allowance.charge(CELL + (member.end - member.start));
        let mut text = std::mem::take(&mut self.print);
        text.clear();
        match self.number_of(&member) {
            Some(number) => print::scalar(&mut text, number),
            None if member.number == 7 => print::bytes(&mut text, &self.buf[member.start..member.end]),
            None => {
                self.print = text;
                return;
            }
        }
        for &read in reads {
            self.printed_text(read, place, &text);
        }
        self.print = text;
    }

    fn printed_text(&mut self, read: u32, place: &Place, text: &[u8]) {
        self.allowance.charge(CELL + text.len());
        if self.allowance.is_spent() {
            return;
        }
        let at = read as usize * SLOTS + Slot::Text as usize;
        let cell = (0, text.len());
        if let Some(patterns) = &self.compiled.reads[read as usize].patterns {
            let scratch = &mut self.scratches[self.compiled.reads[read as usize].set];
            let column = &mut self.columns[at];
            let index = column.cells();
            let matches = column.matches();
            if !patterns.may_match(text, 0, text.len())
                || !patterns.find(scratch, text, cell, index, matches, &mut self.allowance)
            {
                return;
            }
        }
        self.allowance.take(ROOM + text.len());
        let (form, tag) = place.site;
        let site = Site { form, tag: tag as u32, nest: self.nest() };
        let key = self.key(read, place.key);
        let column = &mut self.columns[at];
        column.push(site, self.row, key);
        column.push_text(text);
    }

    /// Every scalar in a value as text, and every map key.
    fn deep_printed(&mut self, reads: &'a [u32], place: &Place) {
        let Some(member) = self.member(place) else { return };
        if !matches!(member.number, 5 | 6) {
            return self.printed(reads, place);
        }
        let (value_tag, _) = place.value.unwrap_or_default();
        let depth = self.open_value(place.site, value_tag, &member);
        for field in Fields::new(self.buf, member.start, member.end).filter(|field| field.number == 1) {
            if self.allowance.is_spent() {
                break;
            }
            if member.number == 5 {
                let value = Some((field.tag, (field.start, field.end)));
                self.deep_printed(reads, &Place { site: (Form::Any, field.tag), value, key: place.key });
            } else {
                let pair = Pair::read(self.buf, field.start, field.end);
                self.deep_pair(reads, field.tag, &pair);
            }
        }
        self.open.truncate(depth);
    }

    fn deep_pair(&mut self, reads: &'a [u32], tag: usize, pair: &Pair) {
        if pair.key.0 < pair.key.1 {
            self.text(reads, Slot::Key, pair.key, (Form::Key, tag), Some(pair.key));
        }
        self.deep_printed(reads, &Place { site: (Form::Pair, tag), value: pair.value, key: Some(pair.key) });
    }
}
