//! Converters: functions of values.

mod scalar;

mod text;

mod time;

use std::borrow::Cow;

use tidegate_sdk::Any;

use crate::syntax::Comparison;
use crate::value::Val;

/// What a converter does.
type Run = for<'a> fn(&[Val<'a>], i64) -> Result<Val<'a>, String>;

/// A converter. What is not given at the end is nil.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [&'static str],
    /// How many have to be given.
    pub(crate) required: usize,
    run: Run,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn function(name: &'static str, parameters: &'static [&'static str], required: usize, run: Run) -> Function {
    Function { name, parameters, required, run }
}

const TARGET: &[&str] = &["target"];

/// All of them but for those that take patterns or look at the row.
static FUNCTIONS: [Function; 49] = [
    function("IsString", TARGET, 1, |given, _| Ok(Val::Bool(matches!(given[0], Val::Text(_))))),
    function("IsInt", TARGET, 1, |given, _| Ok(Val::Bool(matches!(given[0], Val::Int(_))))),
    function("IsDouble", TARGET, 1, |given, _| Ok(Val::Bool(matches!(given[0], Val::Double(_))))),
    function("IsBool", TARGET, 1, |given, _| Ok(Val::Bool(matches!(given[0], Val::Bool(_))))),
    function("IsMap", TARGET, 1, |given, _| Ok(Val::Bool(given[0].as_map().is_ok()))),
    function("IsList", TARGET, 1, |given, _| Ok(Val::Bool(given[0].as_list().is_ok()))),
    function("IsEmpty", TARGET, 1, |given, _| Ok(Val::Bool(is_empty(&given[0])))),
    function("Len", TARGET, 1, |given, _| len(&given[0])),
    function("Keys", TARGET, 1, |given, _| {
        let keys = given[0].as_map()?.iter().map(|(key, _)| Any::from(key.as_str()));
        Ok(list(keys.collect()))
    }),
    function("Values", TARGET, 1, |given, _| {
        Ok(list(given[0].as_map()?.iter().map(|(_, value)| value.clone()).collect()))
    }),
    function("ContainsValue", &["target", "item"], 2, |given, _| {
        let items = given[0].as_list()?;
        Ok(Val::Bool(items.iter().any(|item| Val::of_any_ref(item).compares(Comparison::Equal, &given[1]))))
    }),
    function("Index", &["target", "value"], 2, |given, _| index(&given[0], &given[1])),
    function("Int", TARGET, 1, |given, _| scalar::int(&given[0])),
    function("Double", TARGET, 1, |given, _| scalar::double(&given[0])),
    function("Bool", TARGET, 1, |given, _| scalar::truth(&given[0])),
    function("String", TARGET, 1, |given, _| {
        Ok(given[0].printed().map_or(Val::Nil, |text| Val::text(text.into_owned())))
    }),
    function("FNV", TARGET, 1, |given, _| Ok(Val::Int(scalar::fnv(given[0].as_text()?)))),
    function("SHA256", TARGET, 1, |given, _| Ok(Val::text(scalar::sha256(given[0].as_text()?)))),
    function("SHA512", TARGET, 1, |given, _| Ok(Val::text(scalar::sha512(given[0].as_text()?)))),
    function("Hex", TARGET, 1, |given, _| scalar::hex_of(&given[0])),
    function("TraceID", TARGET, 1, |given, _| scalar::id(&given[0], 16)),
    function("SpanID", TARGET, 1, |given, _| scalar::id(&given[0], 8)),
    function("ParseJSON", TARGET, 1, |given, _| scalar::parse_json(given[0].as_text()?)),
    function("ParseInt", &["target", "base"], 2, |given, _| scalar::parse_int(&given[0], &given[1])),
    function("Concat", &["values", "delimiter"], 2, |given, _| text::concat(&given[0], &given[1])),
    function("Split", &["target", "delimiter"], 2, |given, _| text::split(given[0].as_text()?, given[1].as_text()?)),
    function("Substring", &["target", "start", "length", "utf8_safe"], 3, |given, _| text::substring(given)),
    function("ToLowerCase", TARGET, 1, |given, _| Ok(Val::text(text::lower(given[0].as_text()?)))),
    function("ToUpperCase", TARGET, 1, |given, _| Ok(Val::text(text::upper(given[0].as_text()?)))),
    function("ConvertCase", &["target", "toCase"], 2, |given, _| {
        let target = given[0].as_text()?;
        match given[1].as_text()? {
            "lower" => Ok(Val::text(text::lower(target))),
            "upper" => Ok(Val::text(text::upper(target))),
            _ => Err("the cases are `lower` and `upper`".to_owned()),
        }
    }),
    function("Trim", &["target", "replacement"], 1, |given, _| {
        let cut = if given[1] == Val::Nil { " " } else { given[1].as_text()? };
        Ok(Val::text(given[0].as_text()?.trim_matches(|c| cut.contains(c))))
    }),
    function("TrimPrefix", &["target", "prefix"], 2, |given, _| {
        let text = given[0].as_text()?;
        Ok(Val::text(text.strip_prefix(given[1].as_text()?).unwrap_or(text)))
    }),
    function("TrimSuffix", &["target", "suffix"], 2, |given, _| {
        let text = given[0].as_text()?;
        Ok(Val::text(text.strip_suffix(given[1].as_text()?).unwrap_or(text)))
    }),
    function("HasPrefix", &["target", "prefix"], 2, |given, _| {
        Ok(Val::Bool(given[0].as_text()?.starts_with(given[1].as_text()?)))
    }),
    function("HasSuffix", &["target", "suffix"], 2, |given, _| {
        Ok(Val::Bool(given[0].as_text()?.ends_with(given[1].as_text()?)))
    }),
    function("Now", &[], 0, |_, now| Ok(Val::Time(now))),
    function("Duration", &["duration"], 1, |given, _| time::duration(given[0].as_text()?)),
    function("Unix", &["seconds", "nanoseconds"], 1, |given, _| {
        let nanos = if given[1] == Val::Nil { 0 } else { given[1].as_int()? };
        Ok(Val::Time(given[0].as_int()?.wrapping_mul(time::SECOND).wrapping_add(nanos)))
    }),
    function("UnixNano", &["time"], 1, |given, _| time::since(&given[0], 1)),
    function("UnixMicro", &["time"], 1, |given, _| time::since(&given[0], time::MICROSECOND)),
    function("UnixMilli", &["time"], 1, |given, _| time::since(&given[0], time::MILLISECOND)),
    function("UnixSeconds", &["time"], 1, |given, _| time::since(&given[0], time::SECOND)),
    function("Nanoseconds", &["duration"], 1, |given, _| time::whole(&given[0])),
    function("Microseconds", &["duration"], 1, |given, _| time::whole_of(&given[0], time::MICROSECOND)),
    function("Milliseconds", &["duration"], 1, |given, _| time::whole_of(&given[0], time::MILLISECOND)),
    function("Seconds", &["duration"], 1, |given, _| time::fraction_of(&given[0], time::SECOND)),
    function("Minutes", &["duration"], 1, |given, _| time::fraction_of(&given[0], 60 * time::SECOND)),
    function("Hours", &["duration"], 1, |given, _| time::fraction_of(&given[0], 3600 * time::SECOND)),
    function("Base64Encode", TARGET, 1, |given, _| {
        let bytes = match &given[0] {
            Val::Bytes(bytes) => bytes.to_vec(),
            value => value.as_text()?.as_bytes().to_vec(),
        };
        Ok(Val::text(Any::Bytes(bytes).printed()))
    }),
];

impl Function {
    /// The converter of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Function> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Calls it with as many values as it has parameters.
    ///
    /// # Errors
    /// It cannot be done with these.
    pub(crate) fn call<'a>(&self, given: &[Val<'a>], now: i64) -> Result<Val<'a>, String> {
        (self.run)(given, now).map_err(|problem| [self.name, ": ", &problem].concat())
    }
}

fn list<'a>(items: Vec<Any>) -> Val<'a> {
    Val::Any(Cow::Owned(Any::List(items)))
}

fn is_empty(value: &Val<'_>) -> bool {
    match value {
        Val::Nil => true,
        Val::Bool(truth) => !truth,
        Val::Int(int) | Val::Duration(int) => *int == 0,
        Val::Double(double) => *double == 0.0,
        Val::Text(text) => text.is_empty(),
        Val::Bytes(bytes) => bytes.is_empty(),
        Val::Any(any) => match &**any {
            Any::List(items) => items.is_empty(),
            Any::Map(entries) => entries.is_empty(),
            _ => false,
        },
        Val::Time(_) => false,
    }
}

fn len<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    let len = match value {
        Val::Text(text) => text.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::Any(any) => match &**any {
            Any::List(items) => items.len(),
            Any::Map(entries) => entries.len(),
            _ => 0,
        },
        _ => return Err(["expected text, a list or a map but got ", value.kind()].concat()),
    };
    Ok(Val::Int(len as i64))
}

fn index<'a>(target: &Val<'_>, value: &Val<'_>) -> Result<Val<'a>, String> {
    let at = match target {
        Val::Text(text) => text.find(value.as_text()?),
        _ => {
            let items = target.as_list()?;
            items.iter().position(|item| Val::of_any_ref(item).compares(Comparison::Equal, value))
        }
    };
    Ok(Val::Int(at.map_or(-1, |at| at as i64)))
}
