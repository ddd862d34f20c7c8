//! Lists of conditions and statements as the operator writes them: each a text, or groups with a context of their own.

use serde::{Deserialize, Serialize};
use tidegate_sdk::Error;

/// What an error in a row does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is logged, and the statement or condition does nothing.
    #[default]
    Ignore,
    /// The same without a line in the log.
    Silent,
    /// It fails the batch.
    Propagate,
}

/// A list of texts, or of groups of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Groups(Vec<Item>);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "is neither a text, which stands in quotes where it has `: ` in it, nor a group of `context`, `conditions`, \
                 `statements` and `error_mode`"
)]
enum Item {
    Text(String),
    Group(Group),
}

/// Texts with a context of their own.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Group {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) context: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_mode: Option<Mode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) conditions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) statements: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_cache: Option<bool>,
}

/// A group, and the keys of its texts: `log_statements[1].statements`, or the list itself.
pub(crate) struct Keyed {
    pub(crate) group: Group,
    pub(crate) key: String,
    pub(crate) conditions: String,
    pub(crate) statements: String,
}

impl Group {
    pub(crate) fn of_conditions(conditions: Vec<String>) -> Group {
        Group { conditions, ..Group::default() }
    }

    pub(crate) fn of_statements(statements: Vec<String>) -> Group {
        Group { statements, ..Group::default() }
    }
}

impl Groups {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The groups; texts that stand alone are one, in which they are what `texts` takes them for.
    pub(crate) fn keyed(self, key: &str, texts: impl Fn(Vec<String>) -> Group) -> Result<Vec<Keyed>, Error> {
        let mut alone = Vec::new();
        let mut groups = Vec::new();
        for (at, item) in self.0.into_iter().enumerate() {
            match item {
                Item::Text(text) => alone.push(text),
                Item::Group(group) => {
                    let key = [key, "[", &at.to_string(), "]"].concat();
                    if group.shared_cache == Some(true) {
                        let problem = "is not served: each group has a cache of its own";
                        return Err(Error::at(&(key + ".shared_cache"), problem));
                    }
                    let (conditions, statements) = (key.clone() + ".conditions", key.clone() + ".statements");
                    groups.push(Keyed { group, key, conditions, statements });
                }
            }
        }
        if !alone.is_empty() {
            if !groups.is_empty() {
                return Err(Error::at(key, "has texts beside groups; write all as texts, or all in groups"));
            }
            let (group, key) = (texts(alone), key.to_owned());
            groups.push(Keyed { group, conditions: key.clone(), statements: key.clone(), key });
        }
        Ok(groups)
    }
}
