//! Editors: what statements do.

use std::borrow::Cow;

use regex_lite::{Captures, Regex};
use tidegate_sdk::{Any, PatternMatch};

use crate::expression::{Env, Expression, Path, Target};
use crate::function::Function;
use crate::store::{At, Layout, Row, Store};
use crate::value::Val;

/// What a statement does.
#[derive(Debug)]
pub(crate) enum Editor {
    Set(Path, Expression),
    /// Replaces where a pattern matches in a text.
    ReplacePattern(Path, Search, Replacement),
    /// Replaces a text that a pattern matches as a whole.
    ReplaceMatch(Path, Regex, Replacement),
    Append(Path, Vec<Expression>, Option<Expression>),
    /// Of a map.
    Map(Path, MapEditor),
}

/// What is done with a map.
#[derive(Debug)]
pub(crate) enum MapEditor {
    DeleteKey(Expression),
    DeleteMatchingKeys(Regex),
    KeepKeys(Vec<Expression>),
    KeepMatchingKeys(Regex),
    Limit(usize, Vec<String>),
    TruncateAll { limit: usize, marker: String },
    ReplacePatterns(Search, Replacement),
    ReplaceKeyPatterns(Regex, Replacement),
    ReplaceMatches(Regex, Replacement),
    Merge(Expression, Strategy),
}

/// A pattern, which the host may have run.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) regex: Regex,
    /// Its number among the patterns by which the field or map is read, where the host may run them.
    pub(crate) number: Option<usize>,
}

/// What takes the place of a match.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) text: Expression,
    /// A converter that the text goes through.
    pub(crate) function: Option<&'static Function>,
    /// What stands before and after what the converter gives.
    pub(crate) format: Option<(String, String)>,
}

/// Which keys a merge writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Insert,
    Update,
    Upsert,
}

impl Editor {
    /// Does it to a row.
    ///
    /// # Errors
    /// It cannot be done with the values that are there; the row is as it was.
    pub(crate) fn run<'a>(
        &'a self,
        layout: &Layout,
        store: &mut Store<'a>,
        at: At<'_>,
        now: i64,
    ) -> Result<(), String> {
        match self {
            Editor::Set(target, value) => {
                let value = value.value(Env { store, at, now })?;
                target.set(value, store, at, now)
            }
            Editor::ReplacePattern(target, search, replacement) => {
                let env = Env { store, at, now };
                let replacement = replacement.ready(env)?;
                let matches = target.known_matches(layout, store, at);
                let Val::Text(text) = target.value(env)? else { return Ok(()) };
                match search.replaced(&text, matches, &replacement)? {
                    Some(text) => target.set(Val::text(text), store, at, now),
                    None => Ok(()),
                }
            }
            Editor::ReplaceMatch(target, glob, replacement) => {
                let env = Env { store, at, now };
                let replacement = replacement.ready(env)?;
                let Val::Text(text) = target.value(env)? else { return Ok(()) };
                if !glob.is_match(&text) {
                    return Ok(());
                }
                let text = replacement.whole()?;
                target.set(Val::text(text), store, at, now)
            }
            Editor::Append(target, values, list) => {
                let env = Env { store, at, now };
                let mut items = match target.value(env)? {
                    Val::Nil => Vec::new(),
                    Val::Any(any) => match any.into_owned() {
                        Any::List(items) => items,
                        _ => return Err("append: the target is a map".to_owned()),
                    },
                    value => vec![value.into_any()?],
                };
                for value in values {
                    items.push(value.value(env)?.into_any()?);
                }
                if let Some(list) = list {
                    items.extend_from_slice(list.value(env)?.as_list()?);
                }
                target.set(Val::Any(Cow::Owned(Any::List(items))), store, at, now)
            }
            Editor::Map(target, editor) => editor.run(target, layout, store, at, now),
        }
    }
}

impl Path {
    /// The matches that the host found in the value as it still is; none where it was not asked.
    fn known_matches<'a>(&self, layout: &Layout, store: &Store<'a>, at: At<'_>) -> Option<&'a [PatternMatch]> {
        let Target::Field(field, ..) = self.target else { return None };
        let slot = store.field(field, at.row(self.level));
        (layout.fields[field].uses.is_filtered() && slot.is_as_read()).then_some(slot.matches)
    }
}

impl Search {
    /// The text with each match replaced; none where there is no match.
    fn replaced(
        &self,
        text: &str,
        known: Option<&[PatternMatch]>,
        replacement: &Ready<'_>,
    ) -> Result<Option<String>, String> {
        if let (Some(known), Some(number)) = (known, self.number) {
            let found = known.iter().filter(|found| found.pattern as usize == number);
            let parts: Vec<(usize, usize)> = found.map(|found| (found.start as usize, found.end as usize)).collect();
            if parts.is_empty() {
                return Ok(None);
            }
            if let Some(fixed) = replacement.fixed()? {
                return Ok(Some(joined(text, &parts, |_| Ok(fixed.clone()))?));
            }
        }
        let captures: Vec<Captures<'_>> = self.regex.captures_iter(text).collect();
        if captures.is_empty() {
            return Ok(None);
        }
        let part = |captures: &Captures<'_>| captures.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
        let parts: Vec<(usize, usize)> = captures.iter().map(part).collect();
        joined(text, &parts, |at| replacement.of(&captures[at])).map(Some)
    }
}

/// The text with other text in the place of its parts.
fn joined(
    text: &str,
    parts: &[(usize, usize)],
    with: impl Fn(usize) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (number, &(start, end)) in parts.iter().enumerate() {
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(&with(number)?);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Ok(out)
}

/// A replacement in a row.
struct Ready<'r> {
    text: String,
    of: &'r Replacement,
}

impl Replacement {
    fn ready<'r>(&'r self, env: Env<'_, 'r>) -> Result<Ready<'r>, String> {
        Ok(Ready { text: self.text.value(env)?.as_text()?.to_owned(), of: self })
    }
}

impl Ready<'_> {
    /// The text, where it is the same for each match.
    fn fixed(&self) -> Result<Option<String>, String> {
        if self.text.contains('$') { Ok(None) } else { self.converted(self.text.clone()).map(Some) }
    }

    /// The text for a match, with its groups in the place of `$1` and the like.
    fn of(&self, captures: &Captures<'_>) -> Result<String, String> {
        let mut text = String::new();
        captures.expand(&self.text, &mut text);
        self.converted(text)
    }

    /// The text as it is.
    fn whole(&self) -> Result<String, String> {
        self.converted(self.text.clone())
    }

    fn converted(&self, text: String) -> Result<String, String> {
        let Some(function) = self.of.function else { return Ok(text) };
        let mut given = vec![Val::Nil; function.parameters.len()];
        given[0] = Val::text(text);
        let value = function.call(&given, 0)?;
        let text = value.as_text()?;
        Ok(match &self.of.format {
            Some((before, after)) => [before, text, after].concat(),
            None => text.to_owned(),
        })
    }
}

impl MapEditor {
    fn run<'a>(
        &'a self,
        target: &'a Path,
        layout: &Layout,
        store: &mut Store<'a>,
        at: At<'_>,
        now: i64,
    ) -> Result<(), String> {
        let row = at.row(target.level);
        match target.target {
            Target::Map(map) if target.keys.is_empty() => {
                // The row is taken out, so that what the editor looks at of the store can be borrowed beside it.
                let mut entries = std::mem::take(store.map_mut(map, row));
                let of = &layout.maps[map];
                let outcome = self.on(&mut entries, Env { store, at, now }, &|key| of.knows(key), of.is_filtered());
                *store.map_mut(map, row) = entries;
                outcome
            }
            Target::Cache if target.keys.is_empty() => {
                let mut entries = std::mem::take(&mut store.cache);
                let outcome = self.on(&mut entries, Env { store, at, now }, &|_| true, false);
                store.cache = entries;
                outcome
            }
            _ => {
                let env = Env { store, at, now };
                let value = target.value(env)?;
                let mut entries = Row::of_map(value.as_map()?.to_vec());
                self.on(&mut entries, env, &|_| true, false)?;
                target.set(Val::Any(Cow::Owned(entries.to_map())), store, at, now)
            }
        }
    }

    fn on<'a>(
        &'a self,
        row: &mut Row<'a>,
        env: Env<'_, 'a>,
        knows: &dyn Fn(&str) -> bool,
        is_filtered: bool,
    ) -> Result<(), String> {
        match self {
            MapEditor::DeleteKey(key) => {
                let key = key.value(env)?;
                let key = key.as_text()?;
                row.remove(key, knows(key));
            }
            MapEditor::DeleteMatchingKeys(regex) => row.retain(|key| !regex.is_match(key)),
            MapEditor::KeepMatchingKeys(regex) => row.retain(|key| regex.is_match(key)),
            MapEditor::KeepKeys(keys) => {
                let keys: Result<Vec<Val<'a>>, String> = keys.iter().map(|key| key.value(env)).collect();
                let keys = keys?;
                let keys: Result<Vec<&str>, String> = keys.iter().map(Val::as_text).collect();
                let keys = keys?;
                row.retain(|key| keys.contains(&key));
            }
            MapEditor::Limit(limit, priority) => {
                if row.entries.len() <= *limit {
                    return Ok(());
                }
                let is_prior = |key: &str| priority.iter().any(|prior| prior == key);
                let mut kept = priority.iter().filter(|key| row.get(key).is_some()).count();
                // `retain` may look at a key twice, so that what is kept is decided before.
                let keep: Vec<bool> = row
                    .entries
                    .iter()
                    .map(|entry| {
                        let keep = is_prior(&entry.key) || kept < *limit;
                        kept += usize::from(keep && !is_prior(&entry.key));
                        keep
                    })
                    .collect();
                row.retain_at(&keep);
            }
            MapEditor::TruncateAll { limit, marker } => {
                for entry in &mut row.entries {
                    let Val::Text(text) = entry.value() else { continue };
                    if text.len() > *limit {
                        let end = text.floor_char_boundary(limit - marker.len());
                        let text = [&text[..end], marker].concat();
                        entry.set(Val::text(text));
                    }
                }
            }
            MapEditor::ReplacePatterns(search, replacement) => {
                let replacement = replacement.ready(env)?;
                for entry in &mut row.entries {
                    let known = (is_filtered && entry.is_as_read()).then_some(entry.matches);
                    let Val::Text(text) = entry.value() else { continue };
                    // What a converter refuses stays as it was, and the others are replaced.
                    if let Ok(Some(text)) = search.replaced(text, known, &replacement) {
                        entry.set(Val::text(text));
                    }
                }
            }
            MapEditor::ReplaceKeyPatterns(regex, replacement) => {
                let replacement = replacement.ready(env)?;
                let search = Search { regex: regex.clone(), number: None };
                let entries: Vec<(String, Any)> = match row.to_map() {
                    Any::Map(entries) => entries,
                    _ => Vec::new(),
                };
                let renamed =
                    entries.into_iter().filter_map(|(key, value)| match search.replaced(&key, None, &replacement) {
                        Ok(Some(new)) => Some((new, value)),
                        Ok(None) => Some((key, value)),
                        Err(_) => None,
                    });
                row.replace(renamed.collect());
            }
            MapEditor::ReplaceMatches(glob, replacement) => {
                let text = replacement.ready(env)?.whole()?;
                for entry in &mut row.entries {
                    if matches!(entry.value(), Val::Text(value) if glob.is_match(value)) {
                        entry.set(Val::text(text.as_str()));
                    }
                }
            }
            MapEditor::Merge(source, strategy) => {
                let source = source.value(env)?;
                for (key, value) in source.as_map()? {
                    let is_there = row.get(key).is_some();
                    if match strategy {
                        Strategy::Insert => !is_there,
                        Strategy::Update => is_there,
                        Strategy::Upsert => true,
                    } {
                        row.set(Cow::Owned(key.clone()), Val::of_any(value.clone()));
                    }
                }
            }
        }
        Ok(())
    }
}
