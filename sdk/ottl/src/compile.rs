//! From trees to what can be run, and to what the host is asked for.

use regex_lite::Regex;
use sdk_collector::pattern::Pattern;
use tidegate_sdk::{Any, Signal};

use crate::context::Context;
use crate::editor::{Editor, MapEditor, Replacement, Search, Strategy};
use crate::expression::{Expression, Path, Target};
use crate::function::Function;
use crate::lex::Fault;
use crate::path::{Class, Place, View};
use crate::store::Layout;
use crate::syntax::{self, Argument, Call, Node};

/// Compiles texts of one context into a layout that those of other contexts share.
pub(crate) struct Compiler<'c> {
    pub(crate) signal: Signal,
    pub(crate) context: Context,
    pub(crate) layout: &'c mut Layout,
    /// Whether nothing is written, so that the host can tell what a pattern matches.
    pub(crate) is_read_only: bool,
    /// What the configuration calls the text, for what the host says of patterns.
    pub(crate) key: &'c str,
}

/// How a path is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
    /// By patterns alone, which are noted apart.
    Search,
}

/// What can be done to a map, with its parameters.
const EDITORS: &str = "append, delete_key, delete_matching_keys, keep_keys, keep_matching_keys, limit, merge_maps, \
                       replace_all_matches, replace_all_patterns, replace_match, replace_pattern, set, truncate_all";

/// The members of enums, by name.
fn symbol(name: &str) -> Option<i64> {
    const SEVERITIES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    let among = |names: &[&str], name: &str| names.iter().position(|known| *known == name).map(|at| at as i64);
    if let Some(severity) = name.strip_prefix("SEVERITY_NUMBER_") {
        if severity == "UNSPECIFIED" {
            return Some(0);
        }
        let level = severity.trim_end_matches(['2', '3', '4']);
        let step = match &severity[level.len()..] {
            "" => 0,
            digit => digit.parse::<i64>().ok()? - 1,
        };
        return Some(among(&SEVERITIES, level)? * 4 + 1 + step);
    }
    if let Some(kind) = name.strip_prefix("SPAN_KIND_") {
        return among(&KINDS, kind);
    }
    if let Some(kind) = name.strip_prefix("METRIC_DATA_TYPE_") {
        return among(&["NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"], kind);
    }
    match name {
        "STATUS_CODE_UNSET" | "AGGREGATION_TEMPORALITY_UNSPECIFIED" | "FLAG_NONE" => Some(0),
        "STATUS_CODE_OK" | "AGGREGATION_TEMPORALITY_DELTA" | "FLAG_NO_RECORDED_VALUE" => Some(1),
        "STATUS_CODE_ERROR" | "AGGREGATION_TEMPORALITY_CUMULATIVE" => Some(2),
        _ => None,
    }
}

impl Compiler<'_> {
    /// A condition.
    pub(crate) fn condition(&mut self, node: &Node) -> Result<Expression, Fault> {
        let condition = self.expression(node)?;
        match &condition {
            Expression::Constant(Any::Bool(_))
            | Expression::Compare(..)
            | Expression::Not(_)
            | Expression::All(_)
            | Expression::Any(_)
            | Expression::Match(..)
            | Expression::Matched(..)
            | Expression::Call(..)
            | Expression::Index(..)
            | Expression::Coalesce(_) => Ok(condition),
            _ => Err(Fault::new(0, "is no condition: compare the value, as in `… == true`")),
        }
    }

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

    fn pattern(&self, at: usize, node: &Node) -> Result<Pattern, Fault> {
        let source = literal(at, node)?;
        Pattern::new(self.key, &source).map_err(|error| Fault::new(at, ["the pattern ", error.problem()].concat()))
    }

    /// A value.
    pub(crate) fn expression(&mut self, node: &Node) -> Result<Expression, Fault> {
        let each = |compiler: &mut Self, nodes: &[Node]| -> Result<Vec<Expression>, Fault> {
            nodes.iter().map(|node| compiler.expression(node)).collect()
        };
        Ok(match node {
            Node::Nil => Expression::Constant(Any::Empty),
            Node::Bool(truth) => Expression::Constant(Any::Bool(*truth)),
            Node::Int(int) => Expression::Constant(Any::Int(*int)),
            Node::Double(double) => Expression::Constant(Any::Double(*double)),
            Node::Text(text) => Expression::Constant(Any::from(text.as_str())),
            Node::Bytes(bytes) => Expression::Bytes(bytes.clone()),
            Node::Symbol(at, name) => match symbol(name) {
                Some(number) => Expression::Constant(Any::Int(number)),
                None => return Err(Fault::new(*at, ["`", name, "` is no member of an enum that is served"].concat())),
            },
            Node::List(items) => Expression::List(each(self, items)?),
            Node::Map(entries) => {
                let entry = |(key, value): &(String, Node)| Ok((key.clone(), self.expression(value)?));
                let entries: Result<_, Fault> = entries.iter().map(entry).collect();
                Expression::Map(entries?)
            }
            Node::Path(path) => Expression::Path(self.path(path, Use::Read)?),
            Node::Call(call) => self.call(call)?,
            Node::Math(a, operator, b) => {
                Expression::Math(Box::new(self.expression(a)?), *operator, Box::new(self.expression(b)?))
            }
            Node::Negative(a) => Expression::Negative(Box::new(self.expression(a)?)),
            Node::Compare(a, comparison, b) => {
                Expression::Compare(Box::new(self.expression(a)?), *comparison, Box::new(self.expression(b)?))
            }
            Node::Not(a) => Expression::Not(Box::new(self.condition(a)?)),
            Node::All(nodes) => {
                Expression::All(nodes.iter().map(|node| self.condition(node)).collect::<Result<_, Fault>>()?)
            }
            Node::Any(nodes) => {
                Expression::Any(nodes.iter().map(|node| self.condition(node)).collect::<Result<_, Fault>>()?)
            }
        })
    }

    fn call(&mut self, call: &Call) -> Result<Expression, Fault> {
        let value = self.converter(call)?;
        if call.keys.is_empty() {
            return Ok(value);
        }
        let keys: Result<_, Fault> = call.keys.iter().map(|key| self.expression(key)).collect();
        Ok(Expression::Index(Box::new(value), keys?))
    }

    fn converter(&mut self, call: &Call) -> Result<Expression, Fault> {
        let at = call.at;
        match call.name.as_str() {
            "IsMatch" => {
                let [target, pattern] = given(call, ["target", "pattern"], 2)?;
                let pattern = self.pattern(at, required(pattern))?;
                self.matching(at, required(target), pattern)
            }
            "ExtractPatterns" => {
                let [target, pattern] = given(call, ["target", "pattern"], 2)?;
                let regex = regex(&self.pattern(at, required(pattern))?, at)?;
                if regex.capture_names().flatten().next().is_none() {
                    return Err(Fault::new(at, "the pattern has no named group, such as `(?P<name>…)`"));
                }
                Ok(Expression::Extract(Box::new(self.expression(required(target))?), regex))
            }
            "IsRootSpan" => {
                let [] = given(call, [], 0)?;
                if self.context != Context::Span {
                    return Err(Fault::new(at, "`IsRootSpan` is for the context `span`"));
                }
                let field = |name: &str| syntax::Segment { name: name.to_owned(), keys: Vec::new() };
                let path = syntax::Path { at, segments: vec![field("span"), field("parent_span_id")] };
                let parent = Expression::Path(self.path(&path, Use::Read)?);
                let none = Expression::Bytes(vec![0; 8]);
                Ok(Expression::Compare(Box::new(parent), syntax::Comparison::Equal, Box::new(none)))
            }
            "Coalesce" => {
                let [values] = given(call, ["values"], 1)?;
                let Node::List(values) = required(values) else {
                    return Err(Fault::new(at, "the values of `Coalesce` are a list"));
                };
                let values: Result<_, Fault> = values.iter().map(|value| self.expression(value)).collect();
                Ok(Expression::Coalesce(values?))
            }
            name => {
                let function = Function::named(name).ok_or_else(|| {
                    Fault::new(at, ["`", name, "` is not among the converters that are served"].concat())
                })?;
                let arguments = ordered(call, function.parameters, function.required)?;
                let nil = Node::Nil;
                let arguments = arguments.into_iter().map(|given| self.expression(given.unwrap_or(&nil)));
                Ok(Expression::Call(function, arguments.collect::<Result<_, Fault>>()?))
            }
        }
    }

    /// Whether a pattern matches: the host says so, where it can.
    fn matching(&mut self, at: usize, target: &Node, pattern: Pattern) -> Result<Expression, Fault> {
        let regex = regex(&pattern, at)?;
        let place = match target {
            Node::Path(path) if self.is_read_only => self.resolve(path)?,
            _ => None,
        };
        if let (Some((context, place)), Node::Path(path)) = (place, target) {
            let keys = path.segments.last().map_or(&[][..], |last| &last.keys);
            let found = match (place, keys) {
                (Place::Map(map), [Node::Text(key)]) => Some((sdk_collector::attribute(map, key), true)),
                (Place::Field(field, Class::Any, View::Plain), []) => Some((field.to_owned(), true)),
                (Place::Field(field, Class::Text, View::Plain), []) if !regex.is_match("") => {
                    Some((field.to_owned(), false))
                }
                _ => None,
            };
            if let Some((path, is_any)) = found {
                let level = context.level();
                let (matcher, number) = self.layout.matcher(path, level, is_any, pattern);
                return Ok(Expression::Matched(matcher, number, level));
            }
        }
        Ok(Expression::Match(Box::new(self.expression(target)?), regex))
    }

    /// The context and place that a path means; none where it names something in the cache.
    fn resolve(&self, path: &syntax::Path) -> Result<Option<(Context, Place)>, Fault> {
        let (context, segments) = match Context::of_path(path) {
            Some(context) => (context, &path.segments[1..]),
            None => (self.context, &path.segments[..]),
        };
        let known = Context::of(self.signal);
        if !known.contains(&context) || context > self.context {
            let problem = ["`", &path.name(), "` cannot be reached from the context `", self.context.name(), "`"];
            return Err(Fault::new(path.at, problem.concat()));
        }
        let [fields @ .., _] = segments else { return Ok(None) };
        if fields.iter().any(|field| !field.keys.is_empty()) {
            return Err(Fault::new(path.at, ["only the last name of `", &path.name(), "` may have keys"].concat()));
        }
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        let names = names.join(".");
        match Place::of(context, &names) {
            Some(Place::Cache) if context != self.context => {
                Err(Fault::new(path.at, "a cache is reached from its own context alone"))
            }
            Some(place) => Ok(Some((context, place))),
            None => {
                let problem = ["`", &names, "` is no field of the context `", context.name(), "` that is served"];
                Err(Fault::new(path.at, problem.concat()))
            }
        }
    }

    fn path(&mut self, path: &syntax::Path, how: Use) -> Result<Path, Fault> {
        let Some((context, place)) = self.resolve(path)? else {
            return Err(Fault::new(path.at, "names no field"));
        };
        let level = context.level();
        let target = match place {
            Place::Map(map) => Target::Map(self.layout.map(map, level)),
            Place::Field(field, class, view) => Target::Field(self.layout.field(field, level, class), class, view),
            Place::Cache => Target::Cache,
        };
        let keys = path.segments.last().map_or(&[][..], |last| &last.keys);
        if !keys.is_empty()
            && !matches!(target, Target::Map(_) | Target::Cache | Target::Field(_, Class::Any, View::Plain))
        {
            return Err(Fault::new(path.at, ["`", &path.name(), "` is neither list nor map"].concat()));
        }
        let keys: Result<_, Fault> = keys.iter().map(|key| self.expression(key)).collect();
        if place == Place::Field("metric.type", Class::Int, View::Plain) && how != Use::Read {
            return Err(Fault::new(path.at, "the type of a metric can be read and not written"));
        }
        let only = match place {
            Place::Field(field, ..) => of_types(field).map(|types| {
                let of = self.layout.field("metric.type", Context::Metric.level(), Class::Int);
                self.layout.fields[of].uses.is_read = true;
                (of, types)
            }),
            _ => None,
        };
        let path = Path { target, level, keys: keys?, only };
        if how != Use::Search {
            self.note(&path, how);
        }
        Ok(path)
    }

    /// Notes how a path is used.
    fn note(&mut self, path: &Path, how: Use) {
        // What is under a key of a value changes that value.
        let is_read = how == Use::Read || path.keys.len() > 1;
        match path.target {
            Target::Cache => {}
            Target::Field(field, ..) => {
                let uses = &mut self.layout.fields[field].uses;
                uses.is_read |= how == Use::Read || !path.keys.is_empty();
                uses.is_written |= how == Use::Write;
            }
            Target::Map(map) => {
                let map = &mut self.layout.maps[map];
                map.uses.is_written |= how == Use::Write;
                match path.keys.first() {
                    Some(Expression::Constant(Any::Text(key))) => map.use_key(key, is_read),
                    // Whatever key it may be.
                    Some(_) => map.uses.is_read = true,
                    None => map.uses.is_read |= is_read,
                }
            }
        }
    }
}

/// For what not all metrics have, a bit for each type that has it: 1 gauge, 2 sum, 3 histogram, 4 exponential histogram, 5
/// summary.
fn of_types(field: &str) -> Option<u8> {
    match field {
        "metric.is_monotonic" => Some(1 << 2),
        "metric.aggregation_temporality" => Some(1 << 2 | 1 << 3 | 1 << 4),
        "datapoint.value" => Some(1 << 1 | 1 << 2),
        "datapoint.count" | "datapoint.sum" => Some(1 << 3 | 1 << 4 | 1 << 5),
        "datapoint.scale" | "datapoint.zero_count" => Some(1 << 4),
        _ => None,
    }
}

const REPLACE: [&str; 5] = ["target", "regex", "replacement", "function", "replacement_format"];

const REPLACE_MATCH: [&str; 5] = ["target", "pattern", "replacement", "function", "replacement_format"];

const REPLACE_ALL: [&str; 6] = ["target", "mode", "regex", "replacement", "function", "replacement_format"];

/// Stands for an argument of which `given` has seen that it is there.
static NIL: Node = Node::Nil;

fn required(node: Option<&Node>) -> &Node {
    node.unwrap_or(&NIL)
}

/// The arguments of a call by parameter.
fn given<'n, const N: usize>(
    call: &'n Call,
    parameters: [&str; N],
    required: usize,
) -> Result<[Option<&'n Node>; N], Fault> {
    let mut found = [None; N];
    for (slot, argument) in found.iter_mut().zip(ordered(call, &parameters, required)?) {
        *slot = argument;
    }
    Ok(found)
}

/// The arguments of a call in the order of the parameters.
fn ordered<'n>(call: &'n Call, parameters: &[&str], required: usize) -> Result<Vec<Option<&'n Node>>, Fault> {
    let refuse = |problem: &[&str]| Err(Fault::new(call.at, ["`", &call.name, "` ", &problem.concat()].concat()));
    let mut found = vec![None; parameters.len()];
    let mut is_named = false;
    for (at, Argument { name, value }) in call.arguments.iter().enumerate() {
        let at = match name {
            Some(name) => {
                is_named = true;
                // The Collector's names are in snake case, and those of Go are taken, too.
                let same = |parameter: &&str| parameter.replace('_', "").eq_ignore_ascii_case(&name.replace('_', ""));
                match parameters.iter().position(|parameter| same(parameter)) {
                    Some(at) => at,
                    None => return refuse(&["has no argument `", name, "`; it has ", &parameters.join(", ")]),
                }
            }
            None if is_named => return refuse(&["has an argument without a name after one with a name"]),
            None => at,
        };
        match found.get_mut(at) {
            Some(slot @ None) => *slot = Some(value),
            Some(Some(_)) => return refuse(&["is given `", parameters[at], "` twice"]),
            None => return refuse(&["takes ", &parameters.len().to_string(), " arguments at most"]),
        }
    }
    match found[..required].iter().position(Option::is_none) {
        Some(at) => refuse(&["needs the argument `", parameters[at], "`"]),
        None => Ok(found),
    }
}

fn regex(pattern: &Pattern, at: usize) -> Result<Regex, Fault> {
    pattern.own_regex().cloned().map_err(|error| Fault::new(at, ["the pattern ", error.problem()].concat()))
}

fn literal(at: usize, node: &Node) -> Result<String, Fault> {
    match node {
        Node::Text(text) => Ok(text.clone()),
        _ => Err(Fault::new(at, "a pattern, mode, marker, format or strategy is a text in quotes")),
    }
}

fn texts(at: usize, node: &Node) -> Result<Vec<String>, Fault> {
    match node {
        Node::List(items) => items.iter().map(|item| literal(at, item)).collect(),
        _ => Err(Fault::new(at, "the keys are a list of texts")),
    }
}

fn size(at: usize, node: &Node) -> Result<usize, Fault> {
    let size = match node {
        Node::Int(int) => usize::try_from(*int).ok(),
        _ => None,
    };
    size.ok_or_else(|| Fault::new(at, "the limit is an integer of 0 or more"))
}

/// A glob as a pattern that has to match the whole text.
fn glob(at: usize, node: &Node) -> Result<Regex, Fault> {
    let glob = literal(at, node)?;
    let mut source = String::from("(?s)^(?:");
    let mut alternatives = 0;
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            '{' => {
                alternatives += 1;
                source.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                source.push(')');
            }
            ',' if alternatives > 0 => source.push('|'),
            '[' => {
                source.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    source.push('^');
                }
            }
            ']' | '-' => source.push(c),
            '\\' => source.push_str(&regex_lite::escape(&chars.next().unwrap_or('\\').to_string())),
            c => source.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    source.push_str(")$");
    Regex::new(&source).map_err(|_| Fault::new(at, "the pattern is no glob such as `/api/*`"))
}
