//! Editors out of their calls.

use regex_lite::Regex;
use sdk_collector::pattern::Pattern;
use tidegate_sdk::Any;

use super::arguments::{given, glob, literal, regex, required, size, texts};
use super::{Compiler, Use};
use crate::editor::{Editor, MapEditor, Replacement, Search, Strategy};
use crate::expression::{Expression, Path, Target};
use crate::function::Function;
use crate::lex::Fault;
use crate::path::{Class, View};
use crate::syntax::{Call, Node};

/// What can be done to a map, with its parameters.
const EDITORS: &str = "append, delete_key, delete_matching_keys, keep_keys, keep_matching_keys, limit, merge_maps, \
                       replace_all_matches, replace_all_patterns, replace_match, replace_pattern, set, truncate_all";

const REPLACE: [&str; 5] = ["target", "regex", "replacement", "function", "replacement_format"];

const REPLACE_MATCH: [&str; 5] = ["target", "pattern", "replacement", "function", "replacement_format"];

const REPLACE_ALL: [&str; 6] = ["target", "mode", "regex", "replacement", "function", "replacement_format"];

impl Compiler<'_> {
    /// A statement's editor.
    pub(crate) fn editor(&mut self, call: &Call) -> Result<Editor, Fault> {
        let at = call.at;
        match call.name.as_str() {
            "set" => {
                let [target, value] = given(call, ["target", "value"], 2)?;
                let value = self.expression(required(value))?;
                let target = self.path_of(at, required(target), Use::Write)?;
                if matches!(target.target, Target::Map(_)) && target.keys.is_empty() {
                    // What is there and not in the new map goes.
                    self.note(&target, Use::Read);
                }
                Ok(Editor::Set(target, value))
            }
            "append" => {
                let [target, value, values] = given(call, ["target", "value", "values"], 1)?;
                let list = values.map(|list| self.expression(list)).transpose()?;
                let value = value.map(|value| self.expression(value)).transpose()?;
                if value.is_none() && list.is_none() {
                    return Err(Fault::new(at, "`append` needs `value` or `values`"));
                }
                let target = self.read_and_written(at, required(target))?;
                Ok(Editor::Append(target, value.into_iter().collect(), list))
            }
            "replace_pattern" => {
                let [target, pattern, text, function, format] = given(call, REPLACE, 3)?;
                let pattern = self.pattern(at, required(pattern))?;
                let replacement = self.replacement(at, required(text), function, format)?;
                let target = self.path_of(at, required(target), Use::Search)?;
                let regex = regex(&pattern, at)?;
                let number = self.note_search(&target, &pattern, &regex);
                Ok(Editor::ReplacePattern(target, Search { regex, number }, replacement))
            }
            "replace_match" => {
                let [target, pattern, text, function, format] = given(call, REPLACE_MATCH, 3)?;
                let glob = glob(at, required(pattern))?;
                let replacement = self.replacement(at, required(text), function, format)?;
                Ok(Editor::ReplaceMatch(self.read_and_written(at, required(target))?, glob, replacement))
            }
            _ => self.map_editor(call),
        }
    }

    fn map_editor(&mut self, call: &Call) -> Result<Editor, Fault> {
        let at = call.at;
        match call.name.as_str() {
            "delete_key" => {
                let [target, key] = given(call, ["target", "key"], 2)?;
                let key = self.expression(required(key))?;
                let target = self.map_of(at, required(target))?;
                match (&target.target, &key, target.keys.is_empty()) {
                    (Target::Map(map), Expression::Constant(Any::Text(key)), true) => {
                        self.layout.maps[*map].use_key(key, false);
                    }
                    _ => self.note(&target, Use::Read),
                }
                Ok(Editor::Map(target, MapEditor::DeleteKey(key)))
            }
            "delete_matching_keys" | "keep_matching_keys" => {
                let [target, pattern] = given(call, ["target", "pattern"], 2)?;
                let regex = regex(&self.pattern(at, required(pattern))?, at)?;
                let editor = if call.name.starts_with('d') {
                    MapEditor::DeleteMatchingKeys(regex)
                } else {
                    MapEditor::KeepMatchingKeys(regex)
                };
                self.whole(at, required(target), editor)
            }
            "keep_keys" => {
                let [target, keys] = given(call, ["target", "keys"], 2)?;
                let Node::List(keys) = required(keys) else {
                    return Err(Fault::new(at, "the keys of `keep_keys` are a list, as in `[\"a\", \"b\"]`"));
                };
                let keys: Result<Vec<Expression>, Fault> = keys.iter().map(|key| self.expression(key)).collect();
                self.whole(at, required(target), MapEditor::KeepKeys(keys?))
            }
            "limit" => {
                let [target, limit, priority] = given(call, ["target", "limit", "priority_keys"], 2)?;
                let limit = size(at, required(limit))?;
                let priority = priority.map_or(Ok(Vec::new()), |keys| texts(at, keys))?;
                if limit < priority.len() {
                    return Err(Fault::new(at, "the limit is smaller than the number of `priority_keys`"));
                }
                self.whole(at, required(target), MapEditor::Limit(limit, priority))
            }
            "truncate_all" => {
                let [target, limit, safe, marker] =
                    given(call, ["target", "limit", "utf8_safe", "truncation_marker"], 2)?;
                let limit = size(at, required(limit))?;
                let marker = marker.map_or(Ok(String::new()), |marker| literal(at, marker))?;
                if let Some(node) = safe.filter(|safe| **safe != Node::Bool(true)) {
                    let problem = match node {
                        Node::Bool(_) => "text stays UTF-8, so that `utf8_safe` cannot be false",
                        _ => "`utf8_safe` is true or false",
                    };
                    return Err(Fault::new(at, problem));
                }
                if marker.len() > limit {
                    return Err(Fault::new(at, "the marker is longer than the limit"));
                }
                self.whole(at, required(target), MapEditor::TruncateAll { limit, marker })
            }
            "replace_all_patterns" => self.replace_all_patterns(call),
            "replace_all_matches" => {
                let [target, pattern, text, function, format] = given(call, REPLACE_MATCH, 3)?;
                let glob = glob(at, required(pattern))?;
                let replacement = self.replacement(at, required(text), function, format)?;
                self.whole(at, required(target), MapEditor::ReplaceMatches(glob, replacement))
            }
            "merge_maps" => {
                let [target, source, strategy] = given(call, ["target", "source", "strategy"], 3)?;
                let source = self.expression(required(source))?;
                let strategy = match literal(at, required(strategy))?.as_str() {
                    "insert" => Strategy::Insert,
                    "update" => Strategy::Update,
                    "upsert" => Strategy::Upsert,
                    _ => return Err(Fault::new(at, "the strategy is \"insert\", \"update\" or \"upsert\"")),
                };
                self.whole(at, required(target), MapEditor::Merge(source, strategy))
            }
            name => {
                let problem = ["`", name, "` is not among the editors that are served: ", EDITORS].concat();
                Err(Fault::new(at, problem))
            }
        }
    }

    fn replace_all_patterns(&mut self, call: &Call) -> Result<Editor, Fault> {
        let at = call.at;
        let [target, mode, pattern, text, function, format] = given(call, REPLACE_ALL, 4)?;
        let mode = literal(at, required(mode))?;
        let pattern = self.pattern(at, required(pattern))?;
        let regex = regex(&pattern, at)?;
        let replacement = self.replacement(at, required(text), function, format)?;
        match mode.as_str() {
            "key" => self.whole(at, required(target), MapEditor::ReplaceKeyPatterns(regex, replacement)),
            "value" => {
                let target = self.map_of(at, required(target))?;
                let number = match target.target {
                    Target::Map(map) if target.keys.is_empty() => {
                        Some(self.layout.maps[map].uses.add_pattern(&pattern))
                    }
                    _ => {
                        self.note(&target, Use::Read);
                        None
                    }
                };
                Ok(Editor::Map(target, MapEditor::ReplacePatterns(Search { regex, number }, replacement)))
            }
            _ => Err(Fault::new(at, "the mode is \"key\" or \"value\"")),
        }
    }

    /// An editor of all that a map has.
    fn whole(&mut self, at: usize, target: &Node, editor: MapEditor) -> Result<Editor, Fault> {
        let target = self.map_of(at, target)?;
        self.note(&target, Use::Read);
        Ok(Editor::Map(target, editor))
    }

    /// A path to a map that is written.
    fn map_of(&mut self, at: usize, node: &Node) -> Result<Path, Fault> {
        let path = self.path_of(at, node, Use::Write)?;
        match path.target {
            Target::Field(_, Class::Any, View::Plain) | Target::Map(_) | Target::Cache => {
                if !path.keys.is_empty() {
                    self.note(&path, Use::Read);
                }
                Ok(path)
            }
            Target::Field(..) => Err(Fault::new(at, "the target is no map")),
        }
    }

    fn read_and_written(&mut self, at: usize, node: &Node) -> Result<Path, Fault> {
        let path = self.path_of(at, node, Use::Write)?;
        self.note(&path, Use::Read);
        Ok(path)
    }

    fn path_of(&mut self, at: usize, node: &Node, how: Use) -> Result<Path, Fault> {
        match node {
            Node::Path(path) => self.path(path, how),
            _ => Err(Fault::new(at, "the target is a path, such as `resource.attributes[\"a\"]`")),
        }
    }

    /// Notes the patterns that a target is searched for; its number, where the host may run it.
    fn note_search(&mut self, target: &Path, pattern: &Pattern, regex: &Regex) -> Option<usize> {
        match target.target {
            // A field that is not there is the empty text: what matches in that the host does not see.
            Target::Field(field, Class::Text | Class::Any, View::Plain)
                if target.keys.is_empty() && !regex.is_match("") =>
            {
                let uses = &mut self.layout.fields[field].uses;
                uses.is_written = true;
                Some(uses.add_pattern(pattern))
            }
            _ => {
                self.note(target, Use::Write);
                self.note(target, Use::Read);
                None
            }
        }
    }

    fn replacement(
        &mut self,
        at: usize,
        text: &Node,
        function: Option<&Node>,
        format: Option<&Node>,
    ) -> Result<Replacement, Fault> {
        let function = match function {
            None => None,
            Some(Node::Symbol(at, name)) => {
                let found = Function::named(name).filter(|function| function.required == 1);
                Some(found.ok_or_else(|| {
                    Fault::new(*at, ["`", name, "` is not among the converters of one text that are served"].concat())
                })?)
            }
            Some(_) => return Err(Fault::new(at, "the function is the name of a converter, such as `SHA256`")),
        };
        let format = format.map(|format| {
            let format = literal(at, format)?;
            let parts = format.split_once("%s").filter(|(before, after)| !before.contains('%') && !after.contains('%'));
            let (before, after) = parts.ok_or_else(|| Fault::new(at, "the format has one `%s` and no other `%`"))?;
            Ok((before.to_owned(), after.to_owned()))
        });
        Ok(Replacement { text: self.expression(text)?, function, format: format.transpose()? })
    }
}
