//! The words of OTTL.

/// A word, and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `0x` and hexadecimal digits.
    Bytes(Vec<u8>),
    Double(f64),
    Int(i64),
    Text(String),
    /// A name, or a word such as `where`.
    Name(String),
    /// Anything else: `==`, `(`, …
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: [&str; 21] =
    ["==", "!=", ">=", "<=", "=>", ">", "<", "+", "-", "*", "/", "=", "(", ")", "{", "}", ":", ",", ".", "[", "]"];

/// A fault in the text, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: String,
}

impl Fault {
    pub(crate) fn new(at: usize, problem: impl Into<String>) -> Fault {
        Fault { at, problem: problem.into() }
    }
}

/// The words of a text.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = token(source, at, c)?;
        tokens.push(Token { at, kind });
        at += len;
    }
    Ok(tokens)
}

/// The word at a place, and its length.
fn token(source: &str, at: usize, first: char) -> Result<(Kind, usize), Fault> {
    let rest = &source[at..];
    if first == '"' {
        return text(rest, at);
    }
    if let Some(digits) = rest.strip_prefix("0x") {
        return bytes(digits, at);
    }
    let is_fraction = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || is_fraction {
        return number(rest, at);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let len = run(rest, |c| c.is_ascii_alphanumeric() || c == b'_');
        return Ok((Kind::Name(rest[..len].to_owned()), len));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Kind::Sign(sign), sign.len())),
        None if first == '\'' => Err(Fault::new(at, "text stands in double quotes")),
        None => Err(Fault::new(at, ["`", first.encode_utf8(&mut [0; 4]), "` is not understood"].concat())),
    }
}

fn run(text: &str, of: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| of(*byte)).count()
}

fn bytes(digits: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let len = run(digits, |c| c.is_ascii_hexdigit());
    let digits = &digits.as_bytes()[..len];
    if len == 0 || len % 2 != 0 {
        return Err(Fault::new(at, "bytes are `0x` and an even number of hexadecimal digits"));
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let bytes = digits.chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect();
    Ok((Kind::Bytes(bytes), len + 2))
}

fn number(rest: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let digits = |from: usize| run(&rest[from..], |c| c.is_ascii_digit());
    let whole = digits(0);
    if !rest[whole..].starts_with('.') {
        let int = rest[..whole].parse().map_err(|_| Fault::new(at, "is too large for a 64-bit integer"))?;
        return Ok((Kind::Int(int), whole));
    }
    let mut len = whole + 1;
    len += digits(len);
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
        let exponent = digits(len + 1 + sign);
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    let double = rest[..len].parse().map_err(|_| Fault::new(at, "is no number"))?;
    Ok((Kind::Double(double), len))
}

/// Text in double quotes, with Go's escapes.
fn text(rest: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let mut out = Vec::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((here, c)) = chars.next() {
        match c {
            '"' => {
                let text = String::from_utf8(out).map_err(|_| Fault::new(at, "is no UTF-8"))?;
                return Ok((Kind::Text(text), here + 1));
            }
            '\\' => {
                let Some((_, escape)) = chars.next() else { break };
                let mut digits = |count: usize, radix: u32, first: Option<char>| {
                    let mut value = first.and_then(|c| c.to_digit(radix));
                    for _ in 0..count {
                        let digit = chars.next().and_then(|(_, c)| c.to_digit(radix));
                        value = value
                            .or(Some(0))
                            .zip(digit)
                            .and_then(|(value, digit)| value.checked_mul(radix)?.checked_add(digit));
                        value?;
                    }
                    value
                };
                let unicode = |value: Option<u32>, out: &mut Vec<u8>| {
                    let c = value.and_then(char::from_u32)?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    Some(())
                };
                let simple = match escape {
                    'a' => Some(7),
                    'b' => Some(8),
                    'f' => Some(12),
                    'n' => Some(b'\n'),
                    'r' => Some(b'\r'),
                    't' => Some(b'\t'),
                    'v' => Some(11),
                    '\\' | '"' => Some(escape as u8),
                    _ => None,
                };
                let known = match (escape, simple) {
                    (_, Some(byte)) => {
                        out.push(byte);
                        Some(())
                    }
                    ('x', _) => digits(2, 16, None).map(|byte| out.push(byte as u8)),
                    ('0'..='7', _) => {
                        digits(2, 8, Some(escape)).filter(|byte| *byte < 256).map(|byte| out.push(byte as u8))
                    }
                    ('u', _) => unicode(digits(4, 16, None), &mut out),
                    ('U', _) => unicode(digits(8, 16, None), &mut out),
                    _ => None,
                };
                if known.is_none() {
                    let written = escape.to_string();
                    let problem = ["`\\", &written, "` is no escape; a backslash itself is written `\\\\"].concat();
                    return Err(Fault::new(at + here, [problem.as_str(), "`"].concat()));
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(Fault::new(at, "the text has no closing quote"))
}
