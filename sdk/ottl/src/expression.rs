//! Expressions that are ready to run.

use std::borrow::Cow;

use regex_lite::Regex;
use tidegate_sdk::{Any, Level};

use crate::function::Function;
use crate::path::{Class, DEPRECATED_KINDS, KINDS, View};
use crate::store::{At, Row, Store};
use crate::syntax::{Comparison, Operator};
use crate::value::{Val, hex, unhex};

/// What gives a value.
#[derive(Debug)]
pub(crate) enum Expression {
    Constant(Any),
    Bytes(Vec<u8>),
    Path(Path),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
    Math(Box<Expression>, Operator, Box<Expression>),
    Negative(Box<Expression>),
    Compare(Box<Expression>, Comparison, Box<Expression>),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    /// Whether a pattern matches in the printed value.
    Match(Box<Expression>, Regex),
    /// The same, told by the host: matcher, pattern, level.
    Matched(usize, usize, Level),
    /// The named groups of a pattern as a map.
    Extract(Box<Expression>, Regex),
    Call(&'static Function, Vec<Expression>),
    /// The first that is not nil.
    Coalesce(Vec<Expression>),
    Index(Box<Expression>, Vec<Expression>),
}

/// A path that is ready to be followed.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) target: Target,
    pub(crate) level: Level,
    pub(crate) keys: Vec<Expression>,
    /// For what only metrics of some types have: the field of the type, and a bit for each of those.
    pub(crate) only: Option<(usize, u8)>,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A map of the layout.
    Map(usize),
    /// A field of the layout.
    Field(usize, Class, View),
    /// What the row has put by.
    Cache,
}

/// What an expression is run on.
#[derive(Clone, Copy)]
pub(crate) struct Env<'e, 'a> {
    pub(crate) store: &'e Store<'a>,
    pub(crate) at: At<'e>,
    pub(crate) now: i64,
}

impl Expression {
    /// The value in a row.
    ///
    /// # Errors
    /// What is asked cannot be done with the values that are there.
    pub(crate) fn value<'a>(&'a self, env: Env<'_, 'a>) -> Result<Val<'a>, String> {
        match self {
            Expression::Constant(any) => Ok(Val::of_any_ref(any)),
            Expression::Bytes(bytes) => Ok(Val::Bytes(Cow::Borrowed(bytes))),
            Expression::Path(path) => path.value(env),
            Expression::List(items) => {
                let items: Result<Vec<Any>, String> = items.iter().map(|item| item.value(env)?.into_any()).collect();
                Ok(Val::Any(Cow::Owned(Any::List(items?))))
            }
            Expression::Map(entries) => {
                let entry = |(key, value): &'a (String, Expression)| Ok((key.clone(), value.value(env)?.into_any()?));
                let entries: Result<Vec<(String, Any)>, String> = entries.iter().map(entry).collect();
                Ok(Val::Any(Cow::Owned(Any::Map(entries?))))
            }
            Expression::Math(a, operator, b) => a.value(env)?.reckon(*operator, &b.value(env)?),
            Expression::Negative(a) => a.value(env)?.negative(),
            Expression::Call(function, arguments) => {
                let values: Result<Vec<Val<'a>>, String> = arguments.iter().map(|given| given.value(env)).collect();
                function.call(&values?, env.now)
            }
            Expression::Coalesce(values) => {
                for value in values {
                    let value = value.value(env)?;
                    if value != Val::Nil {
                        return Ok(value);
                    }
                }
                Ok(Val::Nil)
            }
            Expression::Extract(target, regex) => {
                let target = target.value(env)?;
                let groups = regex.captures(target.as_text()?);
                let names = regex.capture_names().enumerate().skip(1);
                let group = |(at, name): (usize, Option<&str>)| {
                    let text = groups.as_ref()?.get(at).map_or("", |group| group.as_str());
                    Some((name?.to_owned(), Any::from(text)))
                };
                Ok(Val::Any(Cow::Owned(Any::Map(names.filter_map(group).collect()))))
            }
            Expression::Index(value, keys) => index(value.value(env)?, keys, env),
            Expression::Compare(..)
            | Expression::Not(_)
            | Expression::All(_)
            | Expression::Any(_)
            | Expression::Match(..)
            | Expression::Matched(..) => Ok(Val::Bool(self.holds(env)?)),
        }
    }

    /// Whether a condition holds in a row.
    ///
    /// # Errors
    /// What is asked cannot be done with the values that are there.
    pub(crate) fn holds(&self, env: Env<'_, '_>) -> Result<bool, String> {
        match self {
            Expression::Compare(a, comparison, b) => Ok(a.value_in(env)?.compares(*comparison, &b.value_in(env)?)),
            Expression::Not(a) => Ok(!a.holds(env)?),
            Expression::All(all) => {
                for condition in all {
                    if !condition.holds(env)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expression::Any(any) => {
                for condition in any {
                    if condition.holds(env)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expression::Match(target, regex) => {
                let value = target.value_in(env)?;
                Ok(value.printed().is_some_and(|text| regex.is_match(&text)))
            }
            Expression::Matched(matcher, pattern, level) => {
                Ok(env.store.is_matched(*matcher, *pattern, env.at.row(*level)))
            }
            value => value.value_in(env)?.as_bool(),
        }
    }

    /// The value, for no longer than the row is looked at.
    fn value_in<'e>(&'e self, env: Env<'e, '_>) -> Result<Val<'e>, String> {
        let Env { store, at, now } = env;
        self.value(Env { store: shortened(store), at, now })
    }
}

/// A store whose values live as long as it is borrowed: they are only looked at.
fn shortened<'e>(store: &'e Store<'_>) -> &'e Store<'e> {
    store
}

impl Path {
    /// The value in a row; nil where it is not there.
    ///
    /// # Errors
    /// A key does not fit what it is a key of.
    pub(crate) fn value<'a>(&'a self, env: Env<'_, 'a>) -> Result<Val<'a>, String> {
        if !self.is_there(env.store, env.at) {
            return Ok(Val::Nil);
        }
        let row = env.at.row(self.level);
        match self.target {
            Target::Map(map) => entry(env.store.map(map, row), &self.keys, env),
            Target::Cache => entry(&env.store.cache, &self.keys, env),
            Target::Field(field, class, view) => {
                let value = env.store.field(field, row).value.clone();
                let seen = seen(value, class, view);
                if self.keys.is_empty() { Ok(seen) } else { index(seen, &self.keys, env) }
            }
        }
    }

    /// Whether the metric at hand is of a type that has it.
    fn is_there(&self, store: &Store<'_>, at: At<'_>) -> bool {
        let Some((field, types)) = self.only else { return true };
        let of = store.field(field, at.row(Level::Metric)).value.as_int();
        of.is_ok_and(|of| (0..8).contains(&of) && types >> of & 1 == 1)
    }

    /// Gives it a value; what the metric at hand has not is left alone.
    ///
    /// # Errors
    /// The field does not take the value, or a key does not fit.
    pub(crate) fn set<'a>(&'a self, value: Val<'a>, store: &mut Store<'a>, at: At<'_>, now: i64) -> Result<(), String> {
        if !self.is_there(store, at) {
            return Ok(());
        }
        let row = at.row(self.level);
        let Some((first, rest)) = self.keys.split_first() else {
            return match self.target {
                Target::Map(map) => {
                    let entries = value.as_map()?.to_vec();
                    store.map_mut(map, row).replace(entries);
                    Ok(())
                }
                Target::Cache => {
                    let entries = value.as_map()?.to_vec();
                    store.cache.replace(entries);
                    Ok(())
                }
                Target::Field(field, class, view) => {
                    let value = stored(value, class, view)?;
                    store.field_mut(field, row).set(value);
                    Ok(())
                }
            };
        };
        let env = Env { store, at, now };
        if let Target::Field(field, class, view) = self.target {
            let mut any = seen(store.field(field, row).value.clone(), class, view).into_any()?;
            set_in(&mut any, &self.keys, value, env)?;
            store.field_mut(field, row).set(Val::of_any(any));
            return Ok(());
        }
        let key = key_text(first, env)?;
        let value = if rest.is_empty() {
            value.storable()?
        } else {
            let now = match self.target {
                Target::Map(map) => store.map(map, row).get(&key),
                _ => store.cache.get(&key),
            };
            let mut any = now.cloned().unwrap_or(Val::Nil).into_any()?;
            set_in(&mut any, rest, value, env)?;
            Val::of_any(any)
        };
        match self.target {
            Target::Map(map) => store.map_mut(map, row).set(key, value),
            _ => store.cache.set(key, value),
        }
        Ok(())
    }
}

/// What stands under keys of a row's attributes, or all of them.
fn entry<'a>(row: &Row<'a>, keys: &'a [Expression], env: Env<'_, 'a>) -> Result<Val<'a>, String> {
    let Some((first, rest)) = keys.split_first() else { return Ok(Val::Any(Cow::Owned(row.to_map()))) };
    let key = key_text(first, env)?;
    match row.get(&key) {
        None => Ok(Val::Nil),
        Some(value) => index(value.clone(), rest, env),
    }
}

/// A key as text.
fn key_text<'a>(key: &'a Expression, env: Env<'_, 'a>) -> Result<Cow<'a, str>, String> {
    match key.value(env)? {
        Val::Text(text) => Ok(text),
        value => Err(["a key of a map is text, not ", value.kind()].concat()),
    }
}

/// What stands under keys of a list or map.
fn index<'a>(mut value: Val<'a>, keys: &'a [Expression], env: Env<'_, 'a>) -> Result<Val<'a>, String> {
    for key in keys {
        let Val::Any(any) = &value else {
            return Err(["a key does not fit ", value.kind()].concat());
        };
        let found = match &**any {
            Any::Map(entries) => {
                let key = key_text(key, env)?;
                match entries.iter().find(|(known, _)| *known == *key) {
                    Some((_, found)) => found.clone(),
                    None => return Ok(Val::Nil),
                }
            }
            Any::List(items) => {
                let at = key.value(env)?.as_int()?;
                let found = usize::try_from(at).ok().and_then(|at| items.get(at));
                found.cloned().ok_or_else(|| ["a list has no item ", &at.to_string()].concat())?
            }
            _ => return Err("a key does not fit what it is a key of".to_owned()),
        };
        value = Val::of_any(found);
    }
    Ok(value)
}

/// The longest list that a key into nothing makes.
const MADE: i64 = 1024;

/// Sets what stands under keys of a list or map; maps that are not there are made.
fn set_in<'a>(mut any: &mut Any, keys: &'a [Expression], value: Val<'a>, env: Env<'_, 'a>) -> Result<(), String> {
    for key in keys {
        let key = key.value(env)?;
        if *any == Any::Empty {
            *any = match &key {
                Val::Text(_) => Any::Map(Vec::new()),
                Val::Int(at @ 0..MADE) => Any::List(vec![Any::Empty; *at as usize + 1]),
                _ => return Err("a key is text or an index below 1024".to_owned()),
            };
        }
        any = match (any, &key) {
            (Any::Map(entries), Val::Text(key)) => {
                let at = entries.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                    entries.push((key.clone().into_owned(), Any::Empty));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            (Any::List(items), Val::Int(at)) => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get_mut(at));
                item.ok_or_else(|| ["a list has no item ", &at.to_string()].concat())?
            }
            _ => return Err("a key does not fit what it is a key of".to_owned()),
        };
    }
    *any = value.into_any()?;
    Ok(())
}

impl Val<'_> {
    /// The same, where an attribute can hold it.
    fn storable(self) -> Result<Self, String> {
        match self {
            Val::Time(_) | Val::Duration(_) => Err(["an attribute cannot hold ", self.kind()].concat()),
            value => Ok(value),
        }
    }
}

/// A field's value as it is seen.
fn seen<'a>(value: Val<'a>, class: Class, view: View) -> Val<'a> {
    let name = |names: &[&'static str], number: i64| {
        let name = usize::try_from(number).ok().and_then(|number| names.get(number)).copied();
        Val::Text(Cow::Borrowed(name.unwrap_or_default()))
    };
    match (view, value) {
        (View::Text, Val::Bytes(id)) if class.id().is_some() => Val::text(hex(&id)),
        (View::Text, value) => Val::text(value.into_any().map(|any| any.printed()).unwrap_or_default()),
        (View::Time, Val::Int(nanos)) => Val::Time(nanos),
        (View::Kind, Val::Int(kind)) => name(&KINDS, kind),
        (View::DeprecatedKind, Val::Int(kind)) => name(&DEPRECATED_KINDS, kind),
        (View::Int, value @ Val::Int(_)) => value,
        (View::Int, _) => Val::Int(0),
        (View::Double, value @ Val::Double(_)) => value,
        (View::Double, _) => Val::Double(0.0),
        (_, value) => value,
    }
}

/// A value as a field stores it, where it was given to a view of it.
fn stored<'a>(value: Val<'a>, class: Class, view: View) -> Result<Val<'a>, String> {
    let refuse = |wanted: &str, value: &Val<'_>| Err(["expected ", wanted, " but got ", value.kind()].concat());
    let number = |names: &[&str], value: &Val<'_>| {
        let name = value.as_text()?;
        let number = names.iter().position(|known| *known == name);
        number.map(|number| Val::Int(number as i64)).ok_or_else(|| ["`", name, "` is no kind of span"].concat())
    };
    match (class, view, value) {
        (_, View::Kind, value) => number(&KINDS, &value),
        (_, View::DeprecatedKind, value) => number(&DEPRECATED_KINDS, &value),
        (_, View::Time, Val::Time(nanos @ 0..)) => Ok(Val::Int(nanos)),
        (_, View::Time, Val::Time(_)) => Err("a time before 1970 is none of a field's".to_owned()),
        (_, View::Time, value) => refuse("a time", &value),
        (Class::TraceId | Class::SpanId, view, value) => {
            let bytes = match (view, &value) {
                (View::Text, Val::Text(text)) => unhex(text),
                (View::Plain, Val::Bytes(bytes)) => Some(bytes.to_vec()),
                _ => None,
            };
            let bytes = bytes.filter(|bytes| Some(bytes.len()) == class.id());
            bytes.map(|bytes| Val::Bytes(Cow::Owned(bytes))).ok_or_else(|| {
                let length = class.id().unwrap_or_default().to_string();
                ["expected an id of ", &length, " bytes but got ", value.kind()].concat()
            })
        }
        (Class::Any, View::Text, value @ Val::Text(_)) => Ok(value),
        (Class::Any, View::Text, value) => refuse("text", &value),
        (Class::Any, _, value) => value.storable(),
        (Class::Text, _, value @ Val::Text(_)) => Ok(value),
        (Class::Text, _, value) => refuse("text", &value),
        (Class::Int | Class::Int32 | Class::Uint32, _, Val::Int(int)) => {
            // The host would refuse the whole batch for what does not fit.
            let fits = match class {
                Class::Int32 => i32::try_from(int).is_ok(),
                Class::Uint32 => u32::try_from(int).is_ok(),
                _ => int >= 0,
            };
            if fits { Ok(Val::Int(int)) } else { Err([&int.to_string(), " does not fit the field"].concat()) }
        }
        (Class::Int | Class::Int32 | Class::Uint32, _, value) => refuse("an integer", &value),
        (Class::Number, View::Double, value @ Val::Double(_)) => Ok(value),
        (Class::Number, View::Int, value @ Val::Int(_)) => Ok(value),
        (Class::Number, _, value) => refuse("a number of the field's type", &value),
        (Class::Double, _, value @ Val::Double(_)) => Ok(value),
        (Class::Double, _, value) => refuse("a double", &value),
        (Class::Bool, _, value @ Val::Bool(_)) => Ok(value),
        (Class::Bool, _, value) => refuse("a truth value", &value),
    }
}
