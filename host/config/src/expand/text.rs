//! A text cut into what stands for itself and what stands for something else.

use std::borrow::Cow;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Literal(Cow<'a, str>),
    /// What stands between `${` and its `}`.
    Reference(&'a str),
}

/// Cuts `text` at its references; `$$` is a dollar, and so is a `$` that no brace follows.
///
/// # Errors
/// Where a `${` is not closed.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, after) = (&rest[..dollar], &rest[dollar + 1..]);
        if let Some(reference) = after.strip_prefix('{') {
            push(&mut pieces, before);
            let end = closing(reference).ok_or_else(|| {
                format!("a ${{ has no closing }}: close it, or write $${{ for a plain ${{, in {text:?}")
            })?;
            pieces.push(Piece::Reference(&reference[..end]));
            rest = &reference[end + 1..];
        } else {
            push(&mut pieces, &rest[..=dollar]);
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    push(&mut pieces, rest);
    Ok(pieces)
}

fn push<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Literal(last)) => last.to_mut().push_str(text),
        _ => pieces.push(Piece::Literal(text.into())),
    }
}

/// Where the brace that was opened before `text` closes, those inside it counted.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 1 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}
