//! The kinds of objects that are told of, and what is told of each.

mod batch;
mod namespaced;
mod node;
mod pod;
mod workload;

use std::collections::BTreeMap;

use host_kubernetes::quantity;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::fact::{Plan, Told};

/// An object of which something is told.
pub(crate) trait Tell {
    /// The group of the API, which is empty for the oldest, and the name, as rules of RBAC have them.
    const GROUP: &'static str;
    const PLURAL: &'static str;

    fn metadata(&self) -> &ObjectMeta;

    /// What is told, of one or more resources.
    fn tell(&self, plan: &Plan) -> Vec<Told>;
}

type Quantities = BTreeMap<String, Quantity>;

/// An amount of something: in thousandths, rounded up, as Kubernetes does it.
fn milli(quantity: &Quantity) -> Option<i64> {
    quantity::parse(&quantity.0).map(|amount| (amount * 1e3 - 1e-6).ceil() as i64)
}

/// In whole units, rounded up.
fn whole(quantity: &Quantity) -> Option<i64> {
    quantity::parse(&quantity.0).map(|amount| (amount - 1e-9).ceil() as i64)
}

/// In cores.
fn cores(quantity: &Quantity) -> Option<f64> {
    milli(quantity).map(|milli| milli as f64 / 1e3)
}
