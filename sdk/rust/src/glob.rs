//! A glob is a name with holes: `*` stands for any run of characters, `?` for any one.

#[cfg(test)]
mod tests;

/// Whether all of `text` fits the glob. Takes time in proportion to the product of their lengths at worst.
pub fn matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    // Where to go on when what follows the last star does not fit: after the star, one character further on.
    let mut retry = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                g += 1;
                retry = Some((g, t));
            }
            Some(b'?') => {
                g += 1;
                t += character(text, t);
            }
            Some(&byte) if byte == text[t] => {
                g += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else { return false };
                let from = from + character(text, from);
                retry = Some((after_star, from));
                (g, t) = (after_star, from);
            }
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

/// Whether there is a hole in it at all.
pub fn has_wildcard(glob: &str) -> bool {
    glob.bytes().any(|byte| matches!(byte, b'*' | b'?'))
}

/// The length of the character that starts at `at`.
fn character(text: &[u8], at: usize) -> usize {
    let rest = &text[at + 1..];
    1 + rest.iter().take_while(|byte| *byte & 0xc0 == 0x80).count()
}
