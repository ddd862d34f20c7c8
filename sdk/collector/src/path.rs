//! Paths to one attribute.

/// The path of the attribute `key` of a map such as `resource.attributes`.
pub fn attribute(map: &str, key: &str) -> String {
    let mut path = String::with_capacity(map.len() + key.len() + 4);
    path.push_str(map);
    path.push_str("[\"");
    for c in key.chars() {
        match c {
            '"' | '\\' => path.extend(['\\', c]),
            '\n' => path.push_str("\\n"),
            '\t' => path.push_str("\\t"),
            c => path.push(c),
        }
    }
    path.push_str("\"]");
    path
}
