//! Names as Loki takes them: of labels and of structured metadata.
//!
//! They are made as Loki makes them of what it is sent over OTLP, so that a query means the same whichever way data came.

/// What a name is called of which nothing is left: Loki fails the whole request on a name of underscores alone.
const NAMELESS: &[u8] = b"key";

/// Appends `name` with each run of what is no ASCII letter or digit as one underscore, and a letter first. A reserved name,
/// such as `__name__`, stays one.
pub(super) fn push(name: &str, out: &mut Vec<u8>) {
    let reserved = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let core = reserved.unwrap_or(name);
    let start = out.len();
    let (edge, digit): (&[u8], _) = match reserved {
        Some(_) => (b"__", false),
        None => (b"", core.bytes().next().is_some_and(|first| first.is_ascii_digit())),
    };
    out.extend_from_slice(edge);
    if digit {
        out.extend_from_slice(b"key_");
    }
    let mut rest = core.as_bytes();
    let mut has_letter = false;
    while !rest.is_empty() {
        let (letters, other) = rest.split_at(rest.iter().position(|byte| !is_letter(*byte)).unwrap_or(rest.len()));
        has_letter |= !letters.is_empty();
        out.extend_from_slice(letters);
        let others = other.iter().position(|byte| is_letter(*byte)).unwrap_or(other.len());
        if others > 0 {
            out.push(b'_');
        }
        rest = &other[others..];
    }
    if has_letter {
        out.extend_from_slice(edge);
    } else {
        out.truncate(start);
        out.extend_from_slice(NAMELESS);
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The name as a text of its own.
pub(super) fn valid(name: &str) -> String {
    let mut out = Vec::with_capacity(name.len() + 4);
    push(name, &mut out);
    // Nothing but ASCII was written.
    String::from_utf8_lossy(&out).into_owned()
}
