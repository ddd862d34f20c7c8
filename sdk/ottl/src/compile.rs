//! From trees to what can be run, and to what the host is asked for.

mod arguments;

mod editors;

mod symbol;

use sdk_collector::pattern::Pattern;
use tidegate_sdk::{Any, Signal};

use crate::context::Context;
use crate::expression::{Expression, Path, Target};
use crate::function::Function;
use crate::lex::Fault;
use crate::path::{Class, Place, View};
use crate::store::Layout;
use crate::syntax::{self, Call, Node};
use arguments::{given, literal, ordered, regex, required};
use symbol::{of_types, symbol};

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
        if place == Place::Field("metric.type", Class::Int32, View::Plain) && how != Use::Read {
            return Err(Fault::new(path.at, "the type of a metric can be read and not written"));
        }
        let only = match place {
            Place::Field(field, ..) => of_types(field).map(|types| {
                let of = self.layout.field("metric.type", Context::Metric.level(), Class::Int32);
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
