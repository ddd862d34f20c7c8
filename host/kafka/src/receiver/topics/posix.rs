//! What the extended regular expressions of POSIX and those of Rust have in common: what is only in one of them, or means
//! something else in the other, is refused with the way out.

/// What stands for itself behind a backslash, in both.
const ESCAPED: &str = r".^$*+?()[]{}|\-";

/// # Errors
/// What in `pattern` the two do not understand alike, and what to write instead.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let mut rest = pattern.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('\\', Some('d' | 'D')) => return Err("it has no `\\d`: write `[0-9]`, or `[^0-9]` for `\\D`".to_owned()),
            ('\\', Some('w' | 'W')) => {
                return Err("it has no `\\w`: write `[A-Za-z0-9_]`, or `[^A-Za-z0-9_]` for `\\W`".to_owned());
            }
            ('\\', Some('s' | 'S' | 'b' | 'B' | '<' | '>')) => {
                return Err(
                    "it has none of `\\s`, `\\b`, `\\<` and `\\>`, which no topic needs: topics have no spaces"
                        .to_owned(),
                );
            }
            ('\\', Some(escaped)) if ESCAPED.contains(escaped) => {
                rest.next();
            }
            ('\\', Some(other)) => return Err(format!("it has no `\\{other}`: write `{other}`")),
            ('\\', None) => return Err("it ends with a backslash: take it out".to_owned()),
            ('(', Some('?')) => {
                return Err("it has no `(?`: write `(…)` for a group, and both letters, as in `[Aa]`, for either case"
                    .to_owned());
            }
            ('?' | '+', _) if matches!(before, Some('*' | '+' | '?' | '}')) => {
                return Err(format!(
                    "it has no `{}{c}`: whether a topic is meant does not depend on how much is taken: take the `{c}` out",
                    before.unwrap_or_default()
                ));
            }
            ('{', Some(',')) => return Err("it has no `{,`: write `{0,`".to_owned()),
            ('[', _) => set(&mut rest)?,
            _ => {}
        }
        before = Some(if c == '\\' || c == '[' { ']' } else { c });
    }
    Ok(())
}

/// Passes by the set of characters that has just been opened.
fn set(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), String> {
    rest.next_if_eq(&'^');
    // There it stands for itself.
    rest.next_if_eq(&']');
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            (']', _) => return Ok(()),
            ('\\', _) => {
                return Err(
                    "a backslash stands for itself between brackets: put `]` first there and `-` last".to_owned()
                );
            }
            ('[', Some(':')) => {
                rest.next();
                if rest.peek() == Some(&'^') {
                    return Err("it has no `[:^`: write `[^[:alpha:]]`".to_owned());
                }
                while rest.next_if(char::is_ascii_alphabetic).is_some() {}
                if rest.next() != Some(':') || rest.next() != Some(']') {
                    return Err("a class between brackets is written as in `[[:alpha:]]`".to_owned());
                }
            }
            ('[', _) => {
                return Err("between brackets it has `[` only in classes such as `[:alpha:]`: take it out".to_owned());
            }
            ('&', Some('&')) | ('-', Some('-')) | ('~', Some('~')) => {
                return Err(format!("it has no `{c}{c}` between brackets: write the characters that are meant"));
            }
            _ => {}
        }
    }
    // The next who reads it says that it has no end.
    Ok(())
}
