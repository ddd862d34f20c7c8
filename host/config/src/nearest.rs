//! The name that a user probably meant.

/// The candidate that is most like `name`, if one is like it enough to be worth naming.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(name, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A third of the letters may differ: more than that is another word.
fn tolerance(a: &str, b: &str) -> usize {
    (a.chars().count().max(b.chars().count()) / 3).max(1)
}

/// ", did you mean `x`?", or which names exist where none is near.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    // Nothing may be a value, but nobody means it.
    let names: Vec<&str> = candidates.into_iter().filter(|candidate| !candidate.is_empty()).collect();
    if let Some(near) = nearest(name, names.iter().copied()) {
        return format!(", did you mean `{near}`?");
    }
    match names.len() {
        0 => String::new(),
        1..=12 => format!(", known here: {}", names.join(", ")),
        _ => format!(", known here: {}, …", names[..12].join(", ")),
    }
}
