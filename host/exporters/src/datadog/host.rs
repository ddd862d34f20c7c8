//! Which host data comes from, by the attributes of its resource: in the order in which the Collector looks at them.

use std::borrow::Cow;

use host_otlp::view::{AnyValue, KeyValue};

use crate::json::as_text;

/// Where data comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    Host(Cow<'a, str>),
    /// A task that runs on no host that anybody knows.
    Task(Cow<'a, str>),
}

/// Names that many hosts have.
const NOBODY: [&str; 6] =
    ["0.0.0.0", "127.0.0.1", "localhost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost"];

/// The source that the attributes name, if they name one.
pub(super) fn source<'a>(attributes: &[KeyValue<'a>]) -> Option<Source<'a>> {
    let found = Attributes(attributes);
    if found.is("aws.ecs.launchtype", "fargate")
        && let Some(task) = found.text("aws.ecs.task.arn")
    {
        return Some(Source::Task(task));
    }
    host(&found).filter(|name| !NOBODY.contains(&&**name)).map(Source::Host)
}

fn host<'a>(found: &Attributes<'_, 'a>) -> Option<Cow<'a, str>> {
    for own in ["host", "datadog.host.name"] {
        if let Some(name) = found.text(own) {
            return Some(name);
        }
    }
    if found.is("aws.ecs.launchtype", "fargate") {
        return None;
    }
    let id = || found.text("host.id");
    let name = || found.text("host.name");
    match found.text("cloud.provider").as_deref() {
        Some("aws") => return id(),
        Some("gcp") => return gcp(found),
        Some("azure") => return id().or_else(name),
        _ => {}
    }
    node(found).or_else(id).or_else(name)
}

/// A node of Kubernetes, which is one of several clusters'.
fn node<'a>(found: &Attributes<'_, 'a>) -> Option<Cow<'a, str>> {
    let node = found.text("k8s.node.name")?;
    Some(match found.text("k8s.cluster.name") {
        Some(cluster) => Cow::Owned(format!("{node}-{cluster}")),
        None => node,
    })
}

/// An instance by its short name and its project, as Datadog's own integration calls it.
fn gcp<'a>(found: &Attributes<'_, 'a>) -> Option<Cow<'a, str>> {
    let (name, project) = (found.text("host.name")?, found.text("cloud.account.id")?);
    let is_long = name.matches('.').count() >= 3;
    let short = if is_long { name.split('.').next().unwrap_or_default() } else { &name };
    Some(Cow::Owned(format!("{short}.{project}")))
}

/// Attributes, looked up by their key.
struct Attributes<'l, 'a>(&'l [KeyValue<'a>]);

impl<'a> Attributes<'_, 'a> {
    fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        let value = self.0.iter().find(|pair| pair.key == key)?.value.as_ref().unwrap_or(&AnyValue::Empty);
        Some(as_text(value))
    }

    fn is(&self, key: &str, wanted: &str) -> bool {
        self.text(key).is_some_and(|value| value == wanted)
    }
}
