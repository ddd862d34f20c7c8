//! The manifest, `module.yaml`, says what a project is called and how it is built.

use std::fs;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Yaml};

use crate::{Error, Language};

/// The file's name.
const FILE: &str = "module.yaml";

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What `module:` calls it: letters, digits and hyphens.
    pub name: String,
    /// The language that it is written in.
    pub language: Language,
    /// The file that has the processor, for Python and JavaScript.
    pub main: PathBuf,
    /// The SDK's folder, where the language does not say that itself: for Python, JavaScript and C.
    pub sdk: PathBuf,
    /// What the compiler is told besides, for C.
    pub flags: Vec<String>,
}

const KEYS: &str = "there is name, language, main, sdk and flags";

impl Manifest {
    /// Whether a folder is a project.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Reads the manifest of the project in a folder.
    ///
    /// # Errors
    /// There is none, or something in it is wrong; the message names the file and the key.
    pub fn read(folder: &Path) -> Result<Manifest, Error> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| Error::NoProject { path: path.clone(), error })?;
        Manifest::parse(&text).map_err(|problem| Error::Manifest { path, problem })
    }

    fn parse(text: &str) -> Result<Manifest, String> {
        let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
        let [document] = documents.as_slice() else { return Err("there has to be one document in it".to_owned()) };
        let map = document.as_mapping().ok_or("it has to be a mapping of keys and their values")?;
        let (mut name, mut language, mut main, mut sdk, mut flags) = (None, None, None, None, Vec::new());
        for (key, value) in map {
            let key = key.as_str().ok_or_else(|| format!("a key is a text; {KEYS}"))?;
            let text = || value.as_str().ok_or_else(|| format!("{key}: has to be a text"));
            match key {
                "name" => name = Some(checked_name(text()?).map_err(|problem| format!("name: {problem}"))?),
                "language" => language = Some(text()?.parse().map_err(|problem| format!("language: {problem}"))?),
                "main" => main = Some(PathBuf::from(text()?)),
                "sdk" => sdk = Some(PathBuf::from(text()?)),
                "flags" => flags = texts(value).ok_or("flags: has to be a list of texts")?,
                _ => return Err(format!("{key}: there is no such key; {KEYS}")),
            }
        }
        let language = language.ok_or("language: has to be set")?;
        let main = main.unwrap_or_else(|| match language {
            Language::JavaScript => "processor.js".into(),
            _ => "processor.py".into(),
        });
        let sdk = sdk.unwrap_or_else(|| "sdk".into());
        Ok(Manifest { name: name.ok_or("name: has to be set")?, language, main, sdk, flags })
    }
}

/// A name that can be a file, a package of each language, and a key of the configuration.
pub(crate) fn checked_name(name: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !name.chars().all(good) || name.ends_with('-') || name.len() > 64 {
        return Err(format!(
            "`{name}` cannot be a module's name: it begins with a letter and has small letters, digits and hyphens"
        ));
    }
    Ok(name.to_owned())
}

fn texts(value: &Yaml<'_>) -> Option<Vec<String>> {
    value.as_vec()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}
