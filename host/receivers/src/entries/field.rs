//! A field is a place in an entry, as the Collector's operators name it: `body`, `attributes["a.b"]`, `resource.x`.

use super::entry::{self, Entry, Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Body,
    Attributes,
    Resource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) root: Root,
    /// The keys that lead to it.
    pub(crate) keys: Vec<String>,
}

impl Field {
    pub(crate) fn root(root: Root) -> Self {
        Field { root, keys: Vec::new() }
    }

    pub(crate) fn attribute(key: &str) -> Self {
        Field { root: Root::Attributes, keys: vec![key.to_owned()] }
    }

    /// # Errors
    /// Where the text is no field.
    pub(crate) fn parse(text: &str) -> Result<Field, String> {
        let text = text.trim();
        let told = || {
            format!(
                "{text:?} is no field: write `body`, `attributes.NAME`, `attributes[\"NAME\"]` or `resource[\"NAME\"]`"
            )
        };
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (root, mut rest) = text.split_at(end);
        let root = match root {
            "body" => Root::Body,
            "attributes" => Root::Attributes,
            "resource" => Root::Resource,
            _ => return Err(told()),
        };
        let mut keys = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let quote = after.chars().next().filter(|c| ['"', '\''].contains(c)).ok_or_else(told)?;
                let (key, after) = after[1..].split_once(quote).ok_or_else(told)?;
                keys.push(key.to_owned());
                rest = after.strip_prefix(']').ok_or_else(told)?;
            } else {
                let after = rest.strip_prefix('.').ok_or_else(told)?;
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(told());
                }
                keys.push(after[..end].to_owned());
                rest = &after[end..];
            }
        }
        Ok(Field { root, keys })
    }

    pub(crate) fn get<'e, 'a>(&self, entry: &'e Entry<'a>) -> Option<&'e Value<'a>> {
        let (mut value, keys) = match self.root {
            Root::Body => (&entry.body, self.keys.as_slice()),
            Root::Attributes => {
                let (first, keys) = self.keys.split_first()?;
                (entry::get(&entry.attributes, first)?, keys)
            }
            Root::Resource => {
                let (first, keys) = self.keys.split_first()?;
                (entry::get(entry.resource.map(), first)?, keys)
            }
        };
        for key in keys {
            let Value::Map(map) = value else { return None };
            value = entry::get(map, key)?;
        }
        Some(value)
    }

    /// A copy of what is there, the whole of the attributes or the resource included.
    pub(crate) fn copy<'a>(&self, entry: &Entry<'a>) -> Option<Value<'a>> {
        match (self.root, self.keys.is_empty()) {
            (Root::Attributes, true) => Some(Value::Map(entry.attributes.clone())),
            (Root::Resource, true) => Some(Value::Map(entry.resource.map().clone())),
            _ => self.get(entry).cloned(),
        }
    }

    pub(crate) fn take<'a>(&self, entry: &mut Entry<'a>) -> Option<Value<'a>> {
        let Some((last, way)) = self.keys.split_last() else {
            return match self.root {
                Root::Body => Some(std::mem::take(&mut entry.body)),
                Root::Attributes => Some(Value::Map(std::mem::take(&mut entry.attributes))),
                Root::Resource => Some(Value::Map(std::mem::take(entry.resource.map_mut()))),
            };
        };
        // Nobody copies what the entries of a file share in order to remove nothing.
        self.get(entry)?;
        let mut map = self.map_of(entry, false)?;
        for key in way {
            let (_, value) = map.iter_mut().find(|(known, _)| known == key)?;
            let Value::Map(inner) = value else { return None };
            map = inner;
        }
        entry::take(map, last)
    }

    /// Puts a value there. A map for the whole of the attributes or the resource is joined with what is there.
    ///
    /// # Errors
    /// Where the whole of the attributes or the resource is to be something else than a map.
    pub(crate) fn set<'a>(&self, entry: &mut Entry<'a>, value: Value<'a>) -> Result<(), String> {
        let Some((last, way)) = self.keys.split_last() else {
            if self.root == Root::Body {
                entry.body = value;
                return Ok(());
            }
            let Value::Map(pairs) = value else {
                return Err("only a map can take the place of all attributes or of the resource".to_owned());
            };
            if self.root == Root::Attributes && entry.attributes.is_empty() {
                entry.attributes = pairs;
                return Ok(());
            }
            let Some(map) = self.map_of(entry, true) else { return Ok(()) };
            pairs.into_iter().for_each(|(key, value)| entry::set(map, key, value));
            return Ok(());
        };
        let Some(mut map) = self.map_of(entry, true) else { return Ok(()) };
        for key in way {
            if !matches!(entry::get(map, key), Some(Value::Map(_))) {
                entry::set(map, key.clone(), Value::Map(Vec::new()));
            }
            match map.iter_mut().find(|(known, _)| known == key) {
                Some((_, Value::Map(inner))) => map = inner,
                _ => return Ok(()),
            }
        }
        entry::set(map, last.clone(), value);
        Ok(())
    }

    fn map_of<'e, 'a>(&self, entry: &'e mut Entry<'a>, make: bool) -> Option<&'e mut Map<'a>> {
        match self.root {
            Root::Attributes => Some(&mut entry.attributes),
            Root::Resource => Some(entry.resource.map_mut()),
            Root::Body => {
                if make && !matches!(entry.body, Value::Map(_)) {
                    entry.body = Value::Map(Vec::new());
                }
                match &mut entry.body {
                    Value::Map(map) => Some(map),
                    _ => None,
                }
            }
        }
    }
}
