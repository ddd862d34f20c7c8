//! Nodes.

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Tell, cores, whole};
use crate::attribute::Attribute;
use crate::fact::{Plan, Telling, Told};
use crate::metric;

impl Tell for Node {
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "nodes";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let status = self.status.as_ref();
        let info = status.and_then(|status| status.node_info.as_ref());
        let runtime = info.and_then(|info| info.container_runtime_version.split_once("://"));
        let mut told = Telling::new(plan)
            .about(Attribute::NodeName, self.metadata.name.as_deref())
            .about(Attribute::NodeUid, self.metadata.uid.as_deref())
            .about(Attribute::KubeletVersion, info.map(|info| info.kubelet_version.as_str()))
            .about(Attribute::OsType, info.map(|info| info.operating_system.as_str()))
            .about(Attribute::OsDescription, info.map(|info| info.os_image.as_str()))
            .about(Attribute::Runtime, runtime.map(|(name, _)| name))
            .about(Attribute::RuntimeVersion, runtime.map(|(_, version)| version));
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        for condition in conditions {
            told.fact_of(&metric::NODE_CONDITION, value(&condition.status), "condition", &condition.type_);
        }
        for own in &plan.conditions {
            let found = conditions.iter().find(|condition| condition.type_ == own.of);
            told.own(own, found.map_or(-1, |condition| value(&condition.status)));
        }
        let allocatable = status.and_then(|status| status.allocatable.as_ref());
        for own in &plan.allocatable {
            let Some(amount) = allocatable.and_then(|allocatable| allocatable.get(&own.of)) else { continue };
            match own.of.as_str() {
                "cpu" => cores(amount).into_iter().for_each(|cores| told.own(own, cores)),
                _ => whole(amount).into_iter().for_each(|amount| told.own(own, amount)),
            }
        }
        told.end().into_iter().collect()
    }
}

fn value(status: &str) -> i64 {
    match status {
        "True" => 1,
        "False" => 0,
        _ => -1,
    }
}
