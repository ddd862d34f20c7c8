//! What a series is that was not known before: its labels after those of the target and relabeling, and what it is a part
//! of in OTLP.

use std::hash::BuildHasher as _;

use host_otlp::build::{Attributes, Value};

use super::family::{Family, FamilyKey, Resource, ResourceKey, Scope, ScopeKey, Shape};
use super::point::{Body, Parts, Point};
use super::{Rejected, Role, Table};
use crate::exposition::Kind;
use crate::exposition::text::told;
use crate::labels::{Labels, NAME};

/// What may stand behind the name of a family in that of one of its series.
const SUFFIXES: [&str; 6] = ["_bucket", "_count", "_sum", "_total", "_info", "_created"];
const SCOPE: &str = "otel_scope_";

impl Table {
    pub(super) fn resolve(
        &mut self,
        text: &[u8],
        is_native: bool,
        labels: impl FnOnce() -> Result<Labels, String>,
    ) -> Result<Role, Rejected> {
        let shown = || told(&String::from_utf8_lossy(text));
        let mut labels = labels().map_err(|error| Rejected::Series(shown(), error))?;
        self.add_target_labels(&mut labels);
        if !self.reading.rules.apply(&mut labels) || labels.is_empty() {
            return Ok(Role::Dropped);
        }
        if !labels.has(NAME) {
            return Err(Rejected::Nameless(shown()));
        }
        self.check_limits(&labels, shown)?;
        for (name, value) in self.reading.external_labels.iter() {
            labels.set(name, value);
        }
        Ok(self.role_of(labels, is_native))
    }

    /// Adds the labels of the target: they win over those that were exposed, which go on under another name, or these do
    /// where the job honors them.
    fn add_target_labels(&self, labels: &mut Labels) {
        for (name, value) in self.subject.labels.iter() {
            let exposed = labels.get(name);
            if exposed.is_empty() {
                labels.set(name, value);
            } else if !self.reading.honor_labels {
                let exposed = exposed.to_owned();
                let mut other = format!("exported_{name}");
                while labels.has(&other) || self.subject.labels.has(&other) {
                    other.insert_str(0, "exported_");
                }
                labels.set(other, exposed);
                labels.set(name, value);
            }
        }
    }

    fn check_limits(&self, labels: &Labels, shown: impl Fn() -> String) -> Result<(), Rejected> {
        let limits = &self.reading.limits;
        let beyond = |what: String, key, limit| Err(Rejected::Labels { series: shown(), what, key, limit });
        if limits.labels > 0 && labels.len() as u64 > limits.labels {
            return beyond(format!("{} labels", labels.len()), "label_limit", limits.labels);
        }
        for (name, value) in labels.iter() {
            if limits.label_name_length > 0 && name.len() as u64 > limits.label_name_length {
                let what = format!("a label name of {} bytes", name.len());
                return beyond(what, "label_name_length_limit", limits.label_name_length);
            }
            if limits.label_value_length > 0 && value.len() as u64 > limits.label_value_length {
                let what = format!("a value of {} bytes in {name:?}", value.len());
                return beyond(what, "label_value_length_limit", limits.label_value_length);
            }
        }
        Ok(())
    }

    /// The family that was declared for a name, with what it was declared as.
    fn declared_for<'n>(&self, name: &'n str) -> (Kind, &'n str) {
        if let Some(told) = self.told.get(name) {
            return (told.kind, name);
        }
        let trimmed = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|name| !name.is_empty());
        match trimmed.and_then(|trimmed| Some((self.told.get(trimmed)?.kind, trimmed))) {
            Some(declared) => declared,
            None => (Kind::Unknown, name),
        }
    }

    fn role_of(&mut self, mut labels: Labels, is_native: bool) -> Role {
        let name = labels.remove(NAME).unwrap_or_default();
        let (kind, declared_as) = self.declared_for(&name);
        if name == "target_info" {
            return self.info(labels);
        }
        if name == "otel_scope_info" {
            return Role::Unsupported;
        }
        let suffix = name.strip_prefix(declared_as).unwrap_or_default();
        let number = |text: String| text.parse::<f64>().ok();
        let created = suffix == "_created" && matches!(kind, Kind::Counter | Kind::Histogram | Kind::Summary);
        // Counters go by the name of their series, histograms and summaries by that of the family.
        let (shape, family) = match kind {
            _ if is_native && kind != Kind::GaugeHistogram => (Shape::Native, declared_as),
            Kind::Counter if created => {
                let total = format!("{declared_as}_total");
                let declared_as = declared_as.to_owned();
                return match self.point(labels, Shape::Counter, &total, &declared_as) {
                    Some(point) => Role::Created(point),
                    None => Role::Unsupported,
                };
            }
            Kind::Counter => (Shape::Counter, name.as_str()),
            Kind::Gauge | Kind::Unknown => (Shape::Gauge, name.as_str()),
            Kind::Info | Kind::StateSet => (Shape::UpDown, name.as_str()),
            Kind::Histogram => (Shape::Histogram, declared_as),
            Kind::Summary => (Shape::Summary, declared_as),
            Kind::GaugeHistogram => return Role::Unsupported,
        };
        let step = match (shape, suffix) {
            (Shape::Histogram, "_bucket") => labels.remove("le").and_then(number).map(Some),
            (Shape::Summary, "") => labels.remove("quantile").and_then(number).map(Some),
            (Shape::Histogram, "_sum" | "_count" | "_created") | (Shape::Summary, "_sum" | "_count" | "_created") => {
                labels.remove(if shape == Shape::Histogram { "le" } else { "quantile" });
                Some(None)
            }
            (Shape::Histogram | Shape::Summary, _) => None,
            _ => Some(None),
        };
        let Some(step) = step.filter(|step| step.is_none_or(|at| !at.is_nan())) else { return Role::Unsupported };
        let (family, declared_as) = (family.to_owned(), declared_as.to_owned());
        let Some(id) = self.point(labels, shape, &family, &declared_as) else { return Role::Unsupported };
        match (shape, step) {
            (Shape::Native, _) => Role::Native(id),
            (Shape::Histogram | Shape::Summary, Some(at)) => {
                let Some(Point { body: Body::Parts(parts), .. }) = self.points.get_mut(id) else {
                    return Role::Unsupported;
                };
                parts.step(at).map_or(Role::Unsupported, |step| Role::Step(id, step))
            }
            (Shape::Histogram | Shape::Summary, None) if created => Role::Created(id),
            (Shape::Histogram | Shape::Summary, None) if suffix == "_sum" => Role::Sum(id),
            (Shape::Histogram | Shape::Summary, None) => Role::Count(id),
            _ => Role::Value(id),
        }
    }

    /// The resource that a `target_info` tells of, which is told.
    fn info(&mut self, mut labels: Labels) -> Role {
        let (job, instance) = self.identity(&mut labels);
        let id = self.resource(job, instance);
        if let Some(resource) = self.resources.get_mut(id) {
            resource.info = Some(labels);
            resource.describe(&self.subject);
        }
        Role::Info(id)
    }

    /// Takes the job and the instance off the labels: those of the target where they have none.
    fn identity(&self, labels: &mut Labels) -> (String, String) {
        let mut take = |name: &str| labels.remove(name).unwrap_or_else(|| self.subject.labels.get(name).to_owned());
        (take("job"), take("instance"))
    }

    fn resource(&mut self, job: String, instance: String) -> u32 {
        let key = ResourceKey { job: job.into(), instance: instance.into() };
        if let Some(id) = self.resource_ids.get(&key) {
            return *id;
        }
        let id = self.resources.insert(Resource::new(key.clone(), &self.subject));
        self.resource_ids.insert(key, id);
        id
    }

    /// The scope that labels name, which are taken off.
    fn scope(&mut self, labels: &mut Labels) -> u32 {
        let mut take = |name: &str| labels.remove(name).unwrap_or_default();
        let (name, version) = (take("otel_scope_name"), take("otel_scope_version"));
        let schema_url = take("otel_scope_schema_url");
        let named = labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(SCOPE)?, Value::Text(value))));
        let attributes = Attributes::of(named);
        labels.retain(|name| !name.starts_with(SCOPE));
        let key = ScopeKey { name: name.into(), version: version.into(), schema_url: schema_url.into(), attributes };
        if let Some(id) = self.scope_ids.get(&key) {
            return *id;
        }
        let id = self.scopes.insert(Scope { key: key.clone(), families: 0 });
        self.scope_ids.insert(key, id);
        id
    }

    /// The point with these labels in the family of this name, which is made where it is not there.
    pub(super) fn point(&mut self, mut labels: Labels, shape: Shape, name: &str, declared_as: &str) -> Option<u32> {
        let (job, instance) = self.identity(&mut labels);
        let resource = self.resource(job, instance);
        let scope = self.scope(&mut labels);
        labels.remove("__scheme__");
        labels.remove("__metrics_path__");
        let family = self.family_of(FamilyKey { resource, scope, name: name.into(), shape }, declared_as);
        let attributes = Attributes::of(labels.iter().map(|(name, value)| (name, Value::Text(value))));
        let hash = self.hasher.hash_one((family, &attributes));
        let points = &self.points;
        let is_it = |id: &u32| points.get(*id).is_some_and(|p| p.family == family && p.attributes == attributes);
        if let Some(id) = self.places.find(hash, is_it) {
            return Some(*id);
        }
        let body = match shape {
            Shape::Histogram | Shape::Summary => Body::Parts(Box::<Parts>::default()),
            Shape::Native => Body::Native(None),
            _ => Body::Number(None),
        };
        let id = self.points.insert(Point::new(family, attributes, body));
        let (hasher, points) = (&self.hasher, &self.points);
        self.places.insert_unique(hash, id, |id| {
            points.get(*id).map_or(0, |point| hasher.hash_one((point.family, &point.attributes)))
        });
        self.families.get_mut(family)?.points.push(id);
        Some(id)
    }

    fn family_of(&mut self, key: FamilyKey, declared_as: &str) -> u32 {
        if let Some(id) = self.family_ids.get(&key) {
            return *id;
        }
        if let Some(resource) = self.resources.get_mut(key.resource) {
            resource.families += 1;
        }
        if let Some(scope) = self.scopes.get_mut(key.scope) {
            scope.families += 1;
        }
        self.ranks += 1;
        let family = Family { key: key.clone(), declared_as: declared_as.into(), rank: self.ranks, points: Vec::new() };
        let id = self.families.insert(family);
        self.family_ids.insert(key, id);
        self.is_reordered = true;
        id
    }
}
