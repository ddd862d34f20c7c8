//! Converters of text.

use tidegate_sdk::Any;

use super::list;
use crate::value::Val;

/// The printed values, with a delimiter between them.
pub(super) fn concat<'a>(values: &Val<'_>, delimiter: &Val<'_>) -> Result<Val<'a>, String> {
    let delimiter = delimiter.as_text()?;
    let mut out = String::new();
    for (at, value) in values.as_list()?.iter().enumerate() {
        if at > 0 {
            out.push_str(delimiter);
        }
        out.push_str(&Val::of_any_ref(value).printed().unwrap_or("<nil>".into()));
    }
    Ok(Val::text(out))
}

/// The parts between delimiters, or each character where the delimiter is empty.
pub(super) fn split<'a>(text: &str, delimiter: &str) -> Result<Val<'a>, String> {
    let parts: Vec<Any> = if delimiter.is_empty() {
        text.chars().map(|c| Any::from(c.to_string().as_str())).collect()
    } else {
        text.split(delimiter).map(Any::from).collect()
    };
    Ok(list(parts))
}

/// Bytes of a text, moved inwards to whole characters: what is cut out stays text.
pub(super) fn substring<'a>(given: &[Val<'_>]) -> Result<Val<'a>, String> {
    let text = given[0].as_text()?;
    let (start, length) = (given[1].as_int()?, given[2].as_int()?);
    if start < 0 || length <= 0 {
        return Err("the start has to be 0 or more and the length 1 or more".to_owned());
    }
    let range = usize::try_from(start).ok().zip(usize::try_from(length).ok());
    let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
    let range = range.filter(|range| range.end <= text.len()).ok_or_else(|| "reaches beyond the text".to_owned())?;
    let start = text.ceil_char_boundary(range.start);
    let end = text.floor_char_boundary(range.end).max(start);
    Ok(Val::text(&text[start..end]))
}

/// In lower case, one character for one as Go does it.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// In upper case, one character for one: what would become more stays.
pub(super) fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut upper = c.to_uppercase();
        upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
    };
    text.chars().map(one).collect()
}
