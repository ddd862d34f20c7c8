//! The plan is a section made ready: what is read of pods and of what they belong to, and how a pod is found.

use std::collections::BTreeSet;
use std::time::Duration;

use host_config::Wrong;
use host_kubernetes::Kind;
use host_kubernetes::objects::Pod;
use regex::Regex;

use super::association::Association;
use super::attribute::{Attribute, Wanted};
use super::config::{Config, From};
use super::rule::{Field, FieldRule, Rule, pattern};

/// The annotation by which a pod asks to be left alone.
const IGNORE: &str = "opentelemetry.io/k8s-processor/ignore";

/// A section made ready.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) wanted: Wanted,
    pub(super) labels: Vec<Rule>,
    pub(super) annotations: Vec<Rule>,
    pub(super) associations: Vec<Association>,
    excluded: Vec<Regex>,
    pub(super) grace: Duration,
    pub(super) max_objects: usize,
    /// What it was made of: two that are alike do the same.
    pub(super) content: String,
}

impl Plan {
    /// # Errors
    /// When the section makes no sense.
    pub(super) fn new(config: &Config) -> Result<Self, Wrong> {
        let extract = &config.extract;
        let rules = |list: &str, written: &[FieldRule], field| {
            let rule = |(at, rule)| {
                Rule::new(rule, field).map_err(|why| Wrong::new(format!("extract.{list}.{at}.key_regex"), why))
            };
            written.iter().enumerate().map(rule).collect::<Result<Vec<Rule>, Wrong>>()
        };
        let mut annotations = rules("annotations", &extract.annotations, Field::Annotation)?;
        if extract.otel_annotations {
            annotations.push(Rule::of_annotations().map_err(|why| Wrong::new("extract.otel_annotations", why))?);
        }
        let excluded = config.exclude.pods.iter().map(|pod| pattern(&pod.name)).collect::<Result<_, _>>();
        let with_connection = config.is_of_node();
        let plan = Plan {
            wanted: Wanted::of(&extract.metadata),
            labels: rules("labels", &extract.labels, Field::Label)?,
            annotations,
            associations: Association::all(&config.pod_association, with_connection),
            excluded: excluded.map_err(|why| Wrong::new("exclude.pods", why))?,
            grace: config.pod_delete_grace_period,
            max_objects: config.max_objects,
            content: String::new(),
        };
        let content = format!("{plan:?}");
        Ok(Plan { content, ..plan })
    }

    /// Whether associations of the section are left out, since the address of a connection would be that of a relay.
    pub(super) fn leaves_out_connections(config: &Config) -> bool {
        let mut sources = config.pod_association.iter().flat_map(|association| &association.sources);
        !config.is_of_node() && sources.any(|source| source.from == From::Connection)
    }

    /// The kinds that have to be followed.
    pub(super) fn kinds(&self) -> BTreeSet<Kind> {
        let rules = self.labels.iter().chain(&self.annotations);
        let mut kinds: BTreeSet<Kind> = rules.map(|rule| rule.kind).collect();
        kinds.insert(Kind::Pods);
        // A Deployment is found by its ReplicaSet, and a CronJob by its Job.
        if self.wanted.has(Attribute::DeploymentUid) || kinds.contains(&Kind::Deployments) {
            kinds.insert(Kind::ReplicaSets);
        }
        if self.wanted.has(Attribute::CronJobUid) || kinds.contains(&Kind::CronJobs) {
            kinds.insert(Kind::Jobs);
        }
        if self.wanted.has(Attribute::NodeUid) {
            kinds.insert(Kind::Nodes);
        }
        if self.wanted.has(Attribute::ClusterUid) {
            kinds.insert(Kind::Namespaces);
        }
        kinds
    }

    /// Whether labels or annotations of this kind are asked for.
    pub(super) fn has_rules_for(&self, kind: Kind) -> bool {
        self.labels.iter().chain(&self.annotations).any(|rule| rule.kind == kind)
    }

    /// Whether a pod is to be left alone.
    pub(super) fn ignores(&self, pod: &Pod) -> bool {
        let asks = pod.metadata.annotations.get(IGNORE);
        asks.is_some_and(|asks| asks.trim().eq_ignore_ascii_case("true"))
            || self.excluded.iter().any(|name| name.is_match(&pod.metadata.name))
    }

    /// Whether anything of containers is asked for.
    pub(super) fn wants_containers(&self) -> bool {
        use Attribute::{
            Container, ContainerId, ImageDigests, ImageName, ImageTag, ImageTags, ServiceInstance, ServiceVersion,
        };
        self.wanted.has_any(&[
            Container,
            ContainerId,
            ImageName,
            ImageTag,
            ImageTags,
            ImageDigests,
            ServiceInstance,
            ServiceVersion,
        ])
    }

    /// The rules for labels and annotations of one kind.
    pub(super) fn rules(&self, kind: Kind) -> impl Iterator<Item = (Field, &Rule)> {
        let labels = self.labels.iter().map(|rule| (Field::Label, rule));
        let annotations = self.annotations.iter().map(|rule| (Field::Annotation, rule));
        labels.chain(annotations).filter(move |(_, rule)| rule.kind == kind)
    }
}
