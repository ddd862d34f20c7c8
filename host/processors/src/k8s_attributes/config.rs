//! What a user may write under `processors: k8s_attributes:`. The keys and defaults are the Collector's where it has them.

use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Wrong};
use host_kubernetes::AuthType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::attribute::{self, Attribute};
use super::rule::{FieldRule, pattern};

/// Sources that one association may have, as the Collector has it.
const SOURCES: usize = 4;
/// How senders wait for their answer at most; nothing is held for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// The processor's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// As whom the API server is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// Whether resources get the address of the connection as `k8s.pod.ip`, and nothing else; nobody is asked then.
    pub passthrough: bool,
    pub extract: Extract,
    pub filter: Filter,
    /// How pods are found, one way after the other.
    pub pod_association: Vec<Association>,
    pub exclude: Exclude,
    /// Whether the start waits until all pods were told.
    pub wait_for_metadata: bool,
    /// So long, and then it fails.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub wait_for_metadata_timeout: Duration,
    /// Taken and of no effect: what is known changes when the API server tells, and at no other time.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub watch_sync_period: Duration,
    /// So long a pod that was deleted is found by anything but its address.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub pod_delete_grace_period: Duration,
    /// So long data of a pod that is not known yet waits for it; 0 is not at all.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub hold: Duration,
    /// So much data waits at most, in each pipeline.
    pub hold_mib: usize,
    /// So many pods, and so many objects of each other kind, are known at most.
    pub max_objects: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            auth_type: AuthType::default(),
            context: None,
            passthrough: false,
            extract: Extract::default(),
            filter: Filter::default(),
            pod_association: Vec::new(),
            exclude: Exclude::default(),
            wait_for_metadata: false,
            wait_for_metadata_timeout: Duration::from_secs(10),
            watch_sync_period: Duration::from_secs(300),
            pod_delete_grace_period: Duration::from_secs(120),
            hold: Duration::from_secs(2),
            hold_mib: 16,
            max_objects: 200_000,
        }
    }
}

/// What resources are told.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Extract {
    #[schemars(schema_with = "attribute::schema")]
    pub metadata: Vec<Attribute>,
    pub labels: Vec<FieldRule>,
    pub annotations: Vec<FieldRule>,
    /// Whether annotations of pods `resource.opentelemetry.io/KEY` become attributes `KEY`.
    pub otel_annotations: bool,
}

impl Default for Extract {
    fn default() -> Self {
        Extract {
            metadata: Attribute::defaults(),
            labels: Vec::new(),
            annotations: Vec::new(),
            otel_annotations: false,
        }
    }
}

/// Which pods are known.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Those of this node.
    pub node: String,
    /// Those of the node that this variable of the environment names.
    pub node_from_env_var: String,
    /// Those of this namespace.
    pub namespace: String,
    pub fields: Vec<FieldFilter>,
    pub labels: Vec<FieldFilter>,
}

/// What a field or a label of a pod has to be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldFilter {
    pub key: String,
    pub value: String,
    pub op: Operator,
}

/// How a field or label is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    #[default]
    Equals,
    NotEquals,
    /// For labels alone.
    Exists,
    /// For labels alone.
    DoesNotExist,
}

/// A way to find the pod that a resource is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Association {
    /// All of them have to fit the same pod.
    pub sources: Vec<SourceConfig>,
}

/// Something that a pod is known by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    pub from: From,
    /// The attribute, where it is one.
    #[serde(default)]
    pub name: String,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The address that the data came from.
    Connection,
    ResourceAttribute,
}

/// Whose data is left as it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exclude {
    pub pods: Vec<ExcludedPod>,
}

/// Pods whose name has this pattern somewhere.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcludedPod {
    pub name: String,
}

impl Default for Exclude {
    fn default() -> Self {
        let pods = ["jaeger-agent", "jaeger-collector"].map(|name| ExcludedPod { name: name.to_owned() });
        Exclude { pods: pods.to_vec() }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let filter = &self.filter;
        let twice = !filter.node.is_empty() && !filter.node_from_env_var.is_empty();
        let no_name = |name: &str| name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
        let mut wrongs = Wrong::among([
            ("filter.node_from_env_var", twice, "`filter.node` is there, too; take one of the two out"),
            ("filter.namespace", no_name(&filter.namespace), "it is no name of a namespace"),
            ("filter.node", no_name(&filter.node), "it is no name of a node"),
            (
                "hold",
                self.hold > LONGEST_HOLD,
                "it is more than 10s, and senders have given up by then; 2s is what a pod takes to be told",
            ),
            (
                "hold_mib",
                !self.hold.is_zero() && self.hold_mib == 0,
                "it has to be at least 1; `hold: 0s` holds nothing",
            ),
            ("max_objects", self.max_objects == 0, "it has to be at least 1"),
        ]);
        wrongs.extend(self.wrong_filters());
        wrongs.extend(self.wrong_associations());
        wrongs.extend(self.extract.wrongs());
        for (at, pod) in self.exclude.pods.iter().enumerate() {
            wrongs.extend(pattern(&pod.name).err().map(|why| Wrong::new(format!("exclude.pods.{at}.name"), why)));
        }
        wrongs
    }
}

impl Config {
    fn wrong_filters(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        let no_part = |text: &str| text.contains([',', '=', '!', '(', ')', ' ']);
        for (list, filters) in [("fields", &self.filter.fields), ("labels", &self.filter.labels)] {
            for (at, filter) in filters.iter().enumerate() {
                let key = |name: &str| format!("filter.{list}.{at}.{name}");
                let presence = matches!(filter.op, Operator::Exists | Operator::DoesNotExist);
                if filter.key.is_empty() || no_part(&filter.key) {
                    wrongs.push(Wrong::new(key("key"), "it has to be the name of a field or label"));
                }
                if no_part(&filter.value) {
                    wrongs.push(Wrong::new(key("value"), "it can hold none of `,`, `=`, `!`, parentheses and spaces"));
                }
                if list == "fields" && presence {
                    wrongs.push(Wrong::new(key("op"), "of a field it is `equals` or `not-equals`"));
                }
            }
        }
        wrongs
    }

    fn wrong_associations(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        for (at, association) in self.pod_association.iter().enumerate() {
            let key = |rest: &str| format!("pod_association.{at}.sources{rest}");
            if association.sources.is_empty() || association.sources.len() > SOURCES {
                wrongs.push(Wrong::new(key(""), format!("there have to be 1 to {SOURCES} of them")));
            }
            for (at, source) in association.sources.iter().enumerate() {
                if source.from == From::ResourceAttribute && source.name.is_empty() {
                    wrongs.push(Wrong::new(key(&format!(".{at}.name")), "it has to name the attribute"));
                }
            }
        }
        wrongs
    }

    /// Whether the pods of one node are all that is known, which is so for an agent.
    pub(super) fn is_of_node(&self) -> bool {
        !self.filter.node.is_empty() || !self.filter.node_from_env_var.is_empty()
    }

    /// Whether it looks at the address that data came from: an agent may, since data that is relayed has its relay's.
    pub fn reads_peer(&self) -> bool {
        let mut sources = self.pod_association.iter().flat_map(|association| &association.sources);
        let by_connection = self.pod_association.is_empty() || sources.any(|source| source.from == From::Connection);
        self.passthrough || (self.is_of_node() && by_connection)
    }
}

impl Extract {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        for (list, rules) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            for (at, rule) in rules.iter().enumerate() {
                let named = |(key, why): (&str, String)| Wrong::new(format!("extract.{list}.{at}.{key}"), why);
                wrongs.extend(rule.wrong().map(named));
            }
        }
        wrongs
    }
}
