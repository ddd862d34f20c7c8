//! An expression is a condition on an entry, in the part of the Collector's expression language that conditions use.

use std::borrow::Cow;

use regex::Regex;
use sdk_patterns::from_go_for_host;

use super::entry::{Entry, Value};
use super::field::Field;

/// Expressions that are nested deeper are refused.
const DEPTH: usize = 32;

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Fixed(Value<'static>),
    Field(Field),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Box<Expression>, Comparison, Box<Expression>),
    Matches(Box<Expression>, Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Contains,
    StartsWith,
    EndsWith,
}

impl Expression {
    /// # Errors
    /// Where the text is no expression of the part that is supported.
    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, text };
        let expression = parser.any_of(0)?;
        match parser.peek() {
            None => Ok(expression),
            Some(_) => Err(parser.wrong()),
        }
    }

    pub(crate) fn holds(&self, entry: &Entry<'_>) -> bool {
        match self {
            Expression::Not(inner) => !inner.holds(entry),
            Expression::And(one, two) => one.holds(entry) && two.holds(entry),
            Expression::Or(one, two) => one.holds(entry) || two.holds(entry),
            Expression::Matches(inner, pattern) => {
                inner.value(entry).as_ref().and_then(|value| value.as_text()).is_some_and(|text| pattern.is_match(text))
            }
            Expression::Compare(one, how, two) => how.holds(one.value(entry).as_deref(), two.value(entry).as_deref()),
            Expression::Fixed(Value::Bool(value)) => *value,
            Expression::Field(field) => field.get(entry) == Some(&Value::Bool(true)),
            Expression::Fixed(_) => false,
        }
    }

    fn value<'e>(&'e self, entry: &'e Entry<'_>) -> Option<Cow<'e, Value<'e>>> {
        match self {
            Expression::Fixed(value) => Some(Cow::Borrowed(value)),
            Expression::Field(field) => field.get(entry).map(Cow::Borrowed),
            other => Some(Cow::Owned(Value::Bool(other.holds(entry)))),
        }
    }
}

impl Comparison {
    fn holds(self, one: Option<&Value<'_>>, two: Option<&Value<'_>>) -> bool {
        use Comparison as C;
        let (one, two) = (one.unwrap_or(&Value::Empty), two.unwrap_or(&Value::Empty));
        if let (Some(one), Some(two)) = (number(one), number(two)) {
            return match self {
                C::Equal => one == two,
                C::Unequal => one != two,
                C::Less => one < two,
                C::LessOrEqual => one <= two,
                C::More => one > two,
                C::MoreOrEqual => one >= two,
                C::Contains | C::StartsWith | C::EndsWith => false,
            };
        }
        match (self, one.as_text(), two.as_text()) {
            (C::Equal, ..) => one == two,
            (C::Unequal, ..) => one != two,
            (C::Contains, Some(one), Some(two)) => one.contains(two),
            (C::StartsWith, Some(one), Some(two)) => one.starts_with(two),
            (C::EndsWith, Some(one), Some(two)) => one.ends_with(two),
            (C::Less, Some(one), Some(two)) => one < two,
            (C::LessOrEqual, Some(one), Some(two)) => one <= two,
            (C::More, Some(one), Some(two)) => one > two,
            (C::MoreOrEqual, Some(one), Some(two)) => one >= two,
            _ => false,
        }
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, or a field with all that leads to it.
    Word(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "&&", "||", "!", "<", ">", "(", ")"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if ['"', '\'', '`'].contains(&first) {
            let (value, after) = quoted(&rest[1..], first).ok_or_else(|| format!("a text in {text:?} has no end"))?;
            tokens.push(Token::Text(value));
            rest = after;
        } else if first.is_ascii_digit() || first == '-' {
            let end = rest[1..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |end| end + 1);
            let number = rest[..end].parse().map_err(|_| format!("{:?} is no number", &rest[..end]))?;
            tokens.push(Token::Number(number));
            rest = &rest[end..];
        } else if first.is_ascii_alphabetic() || first == '_' || first == '$' {
            let end = word_end(rest);
            tokens.push(Token::Word(rest[..end].replace("?.", ".").trim_start_matches('$').to_owned()));
            rest = &rest[end..];
        } else {
            return Err(unsupported(text, &rest[..first.len_utf8()]));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

fn unsupported(text: &str, what: &str) -> String {
    format!(
        "{what:?} in {text:?} is not supported: an expression has fields, texts, numbers, `==`, `!=`, `<`, `>`, `&&`, `||`, \
         `not`, `matches`, `contains`, `startsWith` and `endsWith`; whatever needs more is a `filter` or `transform` processor"
    )
}

/// Where a name ends, with `.key` and `["key"]` behind it.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if inside => quote = Some(c),
            (None, '[') => inside = true,
            (None, ']') if inside => inside = false,
            (None, _) if inside || c.is_alphanumeric() || ['_', '.', '?', '$'].contains(&c) => {}
            _ => return at,
        }
    }
    text.len()
}

/// What stands before the closing quote, and what behind it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((value, &text[at + c.len_utf8()..])),
            '\\' if quote != '`' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                other @ ('\\' | '"' | '\'') => value.push(other),
                // A pattern's own escape.
                other => value.extend(['\\', other]),
            },
            _ => value.push(c),
        }
    }
    None
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    text: &'t str,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn eats(&mut self, sign: &str, word: &str) -> bool {
        let is_it = match self.peek() {
            Some(Token::Sign(there)) => *there == sign,
            Some(Token::Word(there)) => there == word,
            _ => false,
        };
        self.at += usize::from(is_it);
        is_it
    }

    fn wrong(&self) -> String {
        match self.peek() {
            None => format!("{:?} ends too early", self.text),
            Some(Token::Word(word) | Token::Text(word)) => unsupported(self.text, word),
            Some(Token::Sign(sign)) => unsupported(self.text, sign),
            Some(Token::Number(number)) => unsupported(self.text, &number.to_string()),
        }
    }

    fn any_of(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH {
            return Err(format!("{:?} is nested too deep", self.text));
        }
        let mut one = self.all_of(depth)?;
        while self.eats("||", "or") {
            one = Expression::Or(Box::new(one), Box::new(self.all_of(depth)?));
        }
        Ok(one)
    }

    fn all_of(&mut self, depth: usize) -> Result<Expression, String> {
        let mut one = self.one(depth)?;
        while self.eats("&&", "and") {
            one = Expression::And(Box::new(one), Box::new(self.one(depth)?));
        }
        Ok(one)
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH {
            return Err(format!("{:?} is nested too deep", self.text));
        }
        if self.eats("!", "not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        let one = self.operand(depth)?;
        let negated = matches!(self.peek(), Some(Token::Word(word)) if word == "not");
        self.at += usize::from(negated);
        let compared = match self.peek() {
            Some(Token::Word(word)) if word == "matches" => {
                self.at += 1;
                let Some(Token::Text(pattern)) = self.peek() else { return Err(self.wrong()) };
                self.at += 1;
                let pattern = Regex::new(&from_go_for_host(pattern))
                    .map_err(|error| format!("{pattern:?} is no pattern: {error}"))?;
                Expression::Matches(Box::new(one), pattern)
            }
            Some(token) => match comparison(token) {
                Some(how) => {
                    self.at += 1;
                    Expression::Compare(Box::new(one), how, Box::new(self.operand(depth)?))
                }
                None => one,
            },
            None => one,
        };
        Ok(if negated { Expression::Not(Box::new(compared)) } else { compared })
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, String> {
        if self.eats("(", "") {
            let inner = self.any_of(depth + 1)?;
            return if self.eats(")", "") { Ok(inner) } else { Err(self.wrong()) };
        }
        let fixed = |value| Ok(Expression::Fixed(value));
        let expression = match self.peek() {
            Some(Token::Text(text)) => fixed(Value::Text(Cow::Owned(text.clone()))),
            Some(Token::Number(number)) => fixed(Value::Double(*number)),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => fixed(Value::Bool(true)),
                "false" => fixed(Value::Bool(false)),
                "nil" => fixed(Value::Empty),
                field => Field::parse(field).map(Expression::Field).map_err(|_| self.wrong()),
            },
            _ => Err(self.wrong()),
        };
        self.at += 1;
        expression
    }
}

fn comparison(token: &Token) -> Option<Comparison> {
    Some(match token {
        Token::Sign("==") => Comparison::Equal,
        Token::Sign("!=") => Comparison::Unequal,
        Token::Sign("<") => Comparison::Less,
        Token::Sign("<=") => Comparison::LessOrEqual,
        Token::Sign(">") => Comparison::More,
        Token::Sign(">=") => Comparison::MoreOrEqual,
        Token::Word(word) => match word.as_str() {
            "contains" => Comparison::Contains,
            "startsWith" => Comparison::StartsWith,
            "endsWith" => Comparison::EndsWith,
            _ => return None,
        },
        _ => return None,
    })
}
