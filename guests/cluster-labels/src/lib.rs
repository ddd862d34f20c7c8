//! The cluster-labels processor: attributes on every resource, that say where the data comes from.

mod config;

mod timestamp;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, NewValue, Plan, Processor, Signal, WriteId};

use config::{Config, Label};

/// What to write, attribute by attribute.
pub struct ClusterLabels {
    labels: Vec<(WriteId, Label)>,
    received_at: Option<WriteId>,
    mode: tidegate_sdk::Mode,
}

impl Processor for ClusterLabels {
    type Config = Config;

    fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
        config.check()?;
        let mut plan = Plan::new();
        let mode = config.mode.into();
        let received_at = config.received_at.as_deref().map(|name| plan.write(path(name)));
        let labels = config.attributes.0.into_iter().map(|(name, label)| (plan.write(path(&name)), label)).collect();
        Ok((ClusterLabels { labels, received_at, mode }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let resources = 0..batch.count(Level::Origin);
        for (write, label) in &self.labels {
            let value = match label {
                Label::Text(text) => NewValue::Text(text),
                Label::Int(number) => NewValue::Signed(*number),
                Label::Double(number) => NewValue::Double(*number),
                Label::Bool(truth) => NewValue::Boolean(*truth),
            };
            edits.upsert(*write, resources.clone(), self.mode, value);
        }
        if let Some(write) = self.received_at {
            edits.upsert(write, resources, self.mode, timestamp::rfc3339(context.now()).as_str());
        }
        Ok(())
    }
}

/// The path of a resource attribute.
fn path(name: &str) -> String {
    let mut path = String::from("resource.attributes[\"");
    for c in name.chars() {
        if matches!(c, '"' | '\\') {
            path.push('\\');
        }
        path.push(c);
    }
    path.push_str("\"]");
    path
}

tidegate_sdk::export!(ClusterLabels);

#[cfg(test)]
mod tests;
