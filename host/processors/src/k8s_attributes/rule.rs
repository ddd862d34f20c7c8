//! A rule makes attributes of the labels or annotations of an object.

use std::collections::BTreeMap;

use host_kubernetes::Kind;
use regex::Regex;
use schemars::JsonSchema;
use sdk_patterns::from_go_for_host;
use serde::Deserialize;

/// What a user may write for one rule.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldRule {
    /// The attribute. With `key_regex` it may have `$1` and `${name}`, which are what groups of that have matched.
    pub tag_name: String,
    /// The label or annotation.
    pub key: String,
    /// A pattern that the whole name of a label or annotation has to fit.
    pub key_regex: String,
    /// Whose label or annotation it is.
    pub from: Holder,
}

/// The object that has the label or annotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    #[default]
    Pod,
    Namespace,
    Node,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
}

impl Holder {
    fn kind(self) -> Kind {
        match self {
            Holder::Pod => Kind::Pods,
            Holder::Namespace => Kind::Namespaces,
            Holder::Node => Kind::Nodes,
            Holder::Deployment => Kind::Deployments,
            Holder::ReplicaSet => Kind::ReplicaSets,
            Holder::StatefulSet => Kind::StatefulSets,
            Holder::DaemonSet => Kind::DaemonSets,
            Holder::Job => Kind::Jobs,
            Holder::CronJob => Kind::CronJobs,
        }
    }

    /// What the names of attributes begin with where a rule gives none. The older three have the plural, as in the Collector.
    fn prefix(self, field: Field) -> String {
        let singular = match field {
            Field::Label => "label",
            Field::Annotation => "annotation",
        };
        match self {
            Holder::Pod => format!("k8s.pod.{singular}s."),
            Holder::Namespace => format!("k8s.namespace.{singular}s."),
            Holder::Node => format!("k8s.node.{singular}s."),
            Holder::Deployment => format!("k8s.deployment.{singular}."),
            Holder::ReplicaSet => format!("k8s.replicaset.{singular}."),
            Holder::StatefulSet => format!("k8s.statefulset.{singular}."),
            Holder::DaemonSet => format!("k8s.daemonset.{singular}."),
            Holder::Job => format!("k8s.job.{singular}."),
            Holder::CronJob => format!("k8s.cronjob.{singular}."),
        }
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Label,
    Annotation,
}

impl FieldRule {
    /// The key that makes no sense, and why.
    pub(super) fn wrong(&self) -> Option<(&'static str, String)> {
        match (self.key.is_empty(), self.key_regex.is_empty()) {
            (true, true) => Some(("key", "it is missing: write `key`, or `key_regex`".to_owned())),
            (false, false) => Some(("key_regex", "`key` is there, too; take one of the two out".to_owned())),
            (false, true) => None,
            (true, false) => pattern(&self.key_regex).err().map(|why| ("key_regex", why)),
        }
    }
}

/// A pattern, in Go's syntax; whoever wants the whole text to fit adds that.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(&from_go_for_host(text)).map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => format!("{text:?} takes more than {most} bytes when it is compiled"),
        other => {
            let told = other.to_string();
            let last = told.lines().last().unwrap_or_default();
            format!("{text:?} is no pattern: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    })
}

/// A rule that is ready.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Whose labels or annotations it looks at.
    pub(super) kind: Kind,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Key {
        key: String,
        attribute: String,
    },
    /// With the attribute's pattern, where groups make its name.
    Pattern {
        keys: Regex,
        attribute: Option<String>,
        prefix: String,
    },
}

impl Rule {
    /// # Errors
    /// As [`pattern`].
    pub(super) fn new(written: &FieldRule, field: Field) -> Result<Self, String> {
        let FieldRule { tag_name, key, key_regex, from } = written;
        let prefix = from.prefix(field);
        let by = if key_regex.is_empty() {
            let attribute = if tag_name.is_empty() { format!("{prefix}{key}") } else { tag_name.clone() };
            By::Key { key: key.clone(), attribute }
        } else {
            let keys = pattern(&format!("^(?:{key_regex})$"))?;
            // Without groups all that fit would have the same name.
            let has_groups = keys.captures_len() > 1 && !tag_name.is_empty();
            By::Pattern { keys, attribute: has_groups.then(|| tag_name.clone()), prefix }
        };
        Ok(Rule { kind: from.kind(), by })
    }

    /// The rule by which annotations of pods name attributes.
    pub(super) fn of_annotations() -> Result<Self, String> {
        let key_regex = r"resource\.opentelemetry\.io/(.+)".to_owned();
        let written = FieldRule { tag_name: "$1".to_owned(), key_regex, ..FieldRule::default() };
        Rule::new(&written, Field::Annotation)
    }

    /// Tells the attributes that it makes of these labels or annotations.
    pub(super) fn apply(&self, fields: &BTreeMap<String, String>, mut tell: impl FnMut(&str, &str)) {
        match &self.by {
            By::Key { key, attribute } => {
                if let Some(value) = fields.get(key) {
                    tell(attribute, value);
                }
            }
            By::Pattern { keys, attribute, prefix } => {
                for (key, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
                    let Some(found) = keys.captures(key) else { continue };
                    match attribute {
                        Some(attribute) => {
                            let mut name = String::new();
                            found.expand(attribute, &mut name);
                            tell(&name, value);
                        }
                        None => tell(&format!("{prefix}{key}"), value),
                    }
                }
            }
        }
    }
}
