//! The configuration as it comes from the host: JSON, decoded by serde, with errors that name the key.

use serde::de::DeserializeOwned;

use crate::Error;

#[cfg(test)]
mod tests;

/// Decodes a processor's configuration. None at all is the same as an empty one.
pub(crate) fn decode<C: DeserializeOwned>(json: &str) -> Result<C, Error> {
    let json = match json.trim() {
        "" | "null" => "{}",
        json => json,
    };
    // serde would take a list for the fields in their order.
    if !json.starts_with('{') {
        return Err(Error::new("the configuration has to be a map of keys and their values"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let config = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = without_position(error.inner().to_string());
        // An error of the root has no key but the one that its message names.
        if path == "." { Error::new(problem) } else { Error::at(&path, &problem) }
    })?;
    deserializer.end().map_err(|error| Error::new(error.to_string()))?;
    Ok(config)
}

/// The host made the JSON, so that a line and column in it mean nothing to whoever wrote the YAML.
fn without_position(mut problem: String) -> String {
    const AT: &[u8] = b" at line ";
    // Bytes in a window weigh a few kilobytes less in a module than `rfind` does.
    if let Some(at) = problem.as_bytes().windows(AT.len()).rposition(|part| part == AT) {
        problem.truncate(at);
    }
    problem
}
