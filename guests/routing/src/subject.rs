//! A subject is a field that a rule looks at: a path, the level of its rows, and what its absence means.

use tidegate_sdk::{Level, Signal, Value};

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) path: String,
    pub(crate) level: Level,
    /// What OTLP leaves out.
    pub(crate) default: Absent,
}

/// What it means when a field is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is not there.
    Nothing,
    /// It is the empty text.
    Text,
    /// It is 0.
    Number,
}

impl Subject {
    /// An attribute of the rows of a context.
    pub(crate) fn attribute(context: &str, level: Level, key: &str) -> Subject {
        let mut path = context.to_owned() + ".attributes[\"";
        for c in key.chars() {
            if matches!(c, '"' | '\\') {
                path.push('\\');
            }
            path.push(c);
        }
        path.push_str("\"]");
        Subject { path, level, default: Absent::Nothing }
    }

    /// A field of the schema.
    pub(crate) fn field(path: &str, level: Level, default: Absent) -> Subject {
        Subject { path: path.to_owned(), level, default }
    }
}

impl Absent {
    /// The value that stands for absence when it is compared.
    pub(crate) fn value(self) -> Option<Value<'static>> {
        match self {
            Absent::Nothing => None,
            Absent::Text => Some(Value::Text("")),
            Absent::Number => Some(Value::Signed(0)),
        }
    }
}

/// What the items of a signal are called in paths.
pub(crate) fn item_context(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "log",
        Signal::Traces => "span",
        Signal::Metrics => "datapoint",
    }
}
