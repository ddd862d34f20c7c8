//! A condition says whether one value, or its absence, is what a rule is about.

mod decode;

use tidegate_sdk::{Value, glob};

#[cfg(test)]
mod tests;

/// What has to hold of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Equal(Scalar),
    Prefix(String),
    Glob(String),
    Range(Range),
    Exists(bool),
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
}

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

/// A comparison with a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) order: Order,
    pub(crate) bound: Scalar,
}

/// On which side of the bound the number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Condition {
    /// Whether it holds of a value, or of none.
    pub(crate) fn holds(&self, value: Option<Value<'_>>) -> bool {
        self.holds_where(value.is_some(), value)
    }

    /// Whether it holds of a value that may stand for one that is not there.
    pub(crate) fn holds_where(&self, is_there: bool, value: Option<Value<'_>>) -> bool {
        match (self, value) {
            (Condition::Any(any), value) => any.iter().any(|condition| condition.holds_where(is_there, value)),
            (Condition::All(all), value) => all.iter().all(|condition| condition.holds_where(is_there, value)),
            (Condition::Not(condition), value) => !condition.holds_where(is_there, value),
            (Condition::Exists(exists), _) => *exists == is_there,
            (Condition::Equal(scalar), Some(value)) => scalar.equals(value),
            (Condition::Prefix(prefix), Some(Value::Text(text))) => text.starts_with(prefix.as_str()),
            (Condition::Glob(glob), Some(Value::Text(text))) => glob::matches(glob, text),
            (Condition::Range(range), Some(value)) => range.has(value),
            _ => false,
        }
    }

    /// Replaces names by the numbers that OTLP has for them, wherever a value is compared.
    pub(crate) fn number_names(&mut self, names: &[&str]) -> Result<(), String> {
        match self {
            Condition::Equal(scalar @ Scalar::Text(_)) => {
                let Scalar::Text(name) = &*scalar else { return Ok(()) };
                match names.iter().position(|known| known == name) {
                    Some(number) => *scalar = Scalar::Int(number as i64),
                    None => return Err("`".to_owned() + name + "` is none of " + &names.join(", ")),
                }
                Ok(())
            }
            Condition::Any(list) | Condition::All(list) => {
                list.iter_mut().try_for_each(|condition| condition.number_names(names))
            }
            Condition::Not(condition) => condition.number_names(names),
            Condition::Prefix(_) | Condition::Glob(_) => {
                Err("is compared as a number or a name, not as text".to_owned())
            }
            Condition::Equal(_) | Condition::Range(_) | Condition::Exists(_) => Ok(()),
        }
    }
}

impl Scalar {
    fn equals(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Scalar::Text(own), Value::Text(text)) => own == text,
            (Scalar::Bool(own), Value::Boolean(truth)) => *own == truth,
            (Scalar::Text(_) | Scalar::Bool(_), _) => false,
            (number, value) => number.compare(value).is_some_and(std::cmp::Ordering::is_eq),
        }
    }

    /// How a value compares with this number; `None` where one of them is none.
    fn compare(&self, value: Value<'_>) -> Option<std::cmp::Ordering> {
        match (self, value) {
            (Scalar::Int(own), Value::Signed(number)) => Some(number.cmp(own)),
            (Scalar::Int(own), Value::Unsigned(number)) => Some(i128::from(number).cmp(&i128::from(*own))),
            (Scalar::Int(own), Value::Double(number)) => number.partial_cmp(&(*own as f64)),
            (Scalar::Double(own), Value::Signed(number)) => (number as f64).partial_cmp(own),
            (Scalar::Double(own), Value::Unsigned(number)) => (number as f64).partial_cmp(own),
            (Scalar::Double(own), Value::Double(number)) => number.partial_cmp(own),
            _ => None,
        }
    }
}

impl Range {
    fn has(&self, value: Value<'_>) -> bool {
        let Some(found) = self.bound.compare(value) else { return false };
        match self.order {
            Order::Greater => found.is_gt(),
            Order::GreaterOrEqual => found.is_ge(),
            Order::Less => found.is_lt(),
            Order::LessOrEqual => found.is_le(),
        }
    }
}
