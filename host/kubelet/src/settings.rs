//! What is wanted of a scrape, as the configuration has it.

use host_periodic::{Choices, Spec};

use crate::attribute::{Attribute, ResourceAttributes};
use crate::metric;

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) metrics: Choices,
    pub(crate) attributes: ResourceAttributes,
    pub(crate) groups: Groups,
    pub(crate) labels: Labels,
    pub(crate) all_interfaces: Interfaces,
}

/// Of what metrics are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) container: bool,
    pub(crate) pod: bool,
    pub(crate) node: bool,
    pub(crate) volume: bool,
}

/// What is told of an object beside its name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) container_id: bool,
    pub(crate) volume_type: bool,
}

/// Where all interfaces are told of, and not the default one alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interfaces {
    pub(crate) pod: bool,
    pub(crate) node: bool,
}

impl Settings {
    fn wants_any(&self, specs: &[Spec]) -> bool {
        specs.iter().any(|spec| self.metrics.is_on(spec))
    }

    /// Whether `/pods` is asked for.
    pub(crate) fn needs_pods(&self) -> bool {
        let of_containers = self.groups.container
            && (self.metrics.is_on(&metric::CONTAINER_RESTARTS)
                || self.attributes.is_on(Attribute::LastTerminatedReason)
                || self.labels.container_id);
        let of_volumes = self.groups.volume && self.labels.volume_type;
        let of_resources = (self.groups.container || self.groups.pod) && self.wants_any(&metric::OF_RESOURCES);
        of_containers || of_volumes || of_resources
    }

    /// Whether the API server is asked what the node has.
    pub(crate) fn needs_capacity(&self) -> bool {
        self.wants_any(&metric::OF_NODE)
    }

    /// Whether the API server is asked what is behind claims.
    pub(crate) fn needs_claims(&self) -> bool {
        self.groups.volume && self.labels.volume_type
    }
}
