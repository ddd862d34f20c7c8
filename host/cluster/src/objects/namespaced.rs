//! Namespaces, and what is said of them: quotas, and autoscalers of workloads.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Tell, milli, whole};
use crate::attribute::Attribute;
use crate::fact::{Plan, Telling, Told};
use crate::metric;

/// An object in a namespace, by its name and its UID.
pub(super) fn about<'p>(metadata: &ObjectMeta, plan: &'p Plan, name: Attribute, uid: Attribute) -> Telling<'p> {
    Telling::new(plan)
        .about(name, metadata.name.as_deref())
        .about(uid, metadata.uid.as_deref())
        .about(Attribute::Namespace, metadata.namespace.as_deref())
}

impl Tell for Namespace {
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "namespaces";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let mut told = about(&self.metadata, plan, Attribute::Namespace, Attribute::NamespaceUid);
        let phase = match self.status.as_ref().and_then(|status| status.phase.as_deref()) {
            Some("Active") => 1,
            Some("Terminating") => 0,
            _ => -1_i64,
        };
        told.fact(&metric::NAMESPACE_PHASE, phase);
        told.end().into_iter().collect()
    }
}

impl Tell for HorizontalPodAutoscaler {
    const GROUP: &'static str = "autoscaling";
    const PLURAL: &'static str = "horizontalpodautoscalers";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let (spec, status) = (self.spec.as_ref(), self.status.as_ref());
        let target = spec.map(|spec| &spec.scale_target_ref);
        let mut told = about(&self.metadata, plan, Attribute::HpaName, Attribute::HpaUid)
            .about(Attribute::HpaTargetVersion, target.and_then(|target| target.api_version.as_deref()))
            .about(Attribute::HpaTargetKind, target.map(|target| target.kind.as_str()))
            .about(Attribute::HpaTargetName, target.map(|target| target.name.as_str()));
        if let Some(spec) = spec {
            told.fact(&metric::HPA_MAX_REPLICAS, i64::from(spec.max_replicas));
            // It is 1 where nothing is said, which the server writes down.
            told.fact(&metric::HPA_MIN_REPLICAS, i64::from(spec.min_replicas.unwrap_or(1)));
        }
        let current = status.and_then(|status| status.current_replicas).unwrap_or_default();
        let desired = status.map(|status| status.desired_replicas).unwrap_or_default();
        told.fact(&metric::HPA_CURRENT_REPLICAS, i64::from(current));
        told.fact(&metric::HPA_DESIRED_REPLICAS, i64::from(desired));
        told.end().into_iter().collect()
    }
}

impl Tell for ResourceQuota {
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "resourcequotas";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let mut told = about(&self.metadata, plan, Attribute::QuotaName, Attribute::QuotaUid);
        let status = self.status.as_ref();
        for (spec, amounts) in [
            (&metric::RESOURCE_QUOTA_HARD_LIMIT, status.and_then(|status| status.hard.as_ref())),
            (&metric::RESOURCE_QUOTA_USED, status.and_then(|status| status.used.as_ref())),
        ] {
            for (resource, amount) in amounts.into_iter().flatten() {
                // Cores are told in thousandths, but for the short name, as the Collector does it.
                let amount = if resource.ends_with(".cpu") { milli(amount) } else { whole(amount) };
                if let Some(amount) = amount {
                    told.fact_of(spec, amount, "resource", resource);
                }
            }
        }
        told.end().into_iter().collect()
    }
}
