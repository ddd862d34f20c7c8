//! The catalog knows which components this binary has; whoever lists the factories implements it.

use host_component::{ComponentId, Kind, Signal};

use crate::check::Wrong;
use crate::document::Component;
use crate::problem::{Errors, Warning};
use crate::telemetry::Telemetry;
use crate::value::Value;

/// What a catalog knows about a component type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    Known {
        /// The name that the factories have.
        canonical: &'static str,
        /// Whether the name that was asked for is an older one.
        deprecated_alias: bool,
        /// What the component can receive, process or export.
        signals: &'static [Signal],
    },
    /// The Collector has it and this binary does not: `instead` says what there is.
    Unsupported {
        instead: String,
    },
    Unknown {
        nearest: Option<String>,
    },
}

/// The components that there are.
pub trait Catalog {
    fn lookup(&self, kind: Kind, r#type: &str) -> Lookup;

    /// Decodes a component's section, and says all that is wrong with it.
    fn check(&self, kind: Kind, id: &ComponentId, value: &Value, errors: &mut Errors);

    /// What is wrong with a component's section in a pipeline of this signal, beyond what is wrong with it anywhere.
    fn check_in(&self, _kind: Kind, _id: &ComponentId, _signal: Signal, _value: &Value, _errors: &mut Errors) {}

    /// The routes among which a connector of this section chooses for data of this signal. The name of each is the pipelines
    /// that it leads to, with a comma and a space between them. None where all of its data goes to every pipeline that has it
    /// as a receiver.
    fn routes(&self, _id: &ComponentId, _signal: Signal, _value: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Why a processor has to be the first of its pipeline; nothing where it may stand anywhere.
    fn why_first(&self, _id: &ComponentId) -> Option<&'static str> {
        None
    }

    /// What to do instead of a key that only the Collector serves, at this path of the document.
    fn instead_of_key(&self, _path: &str) -> Option<&'static str> {
        None
    }

    /// Says why `user`, which names `extension` as its authenticator, cannot have it as one.
    ///
    /// # Errors
    /// Where it cannot.
    fn check_authenticator(&self, _user: &Component, _extension: &Component) -> Result<(), String> {
        Ok(())
    }

    /// Says why `extension`, which `service.telemetry.metrics` names as its authenticator, cannot be that.
    ///
    /// # Errors
    /// Where it cannot.
    fn check_own_authenticator(&self, _extension: &Component) -> Result<(), String> {
        Ok(())
    }

    /// Says why `extension`, which a receiver names as what elects a leader, does not do that.
    ///
    /// # Errors
    /// Where it does not.
    fn check_elector(&self, _extension: &Component) -> Result<(), String> {
        Ok(())
    }

    /// Says why `extension`, which an exporter names as the storage of its queue, or a receiver as its own, cannot be that.
    ///
    /// # Errors
    /// Where it cannot.
    fn check_storage(&self, _extension: &Component) -> Result<(), String> {
        Ok(())
    }

    /// What is valid in a section, and may not be what was meant.
    fn doubts(&self, _component: &Component) -> Vec<Warning> {
        Vec::new()
    }

    /// What is wrong with the exporters that `service.telemetry` names, with keys below that section.
    fn wrongs_of_telemetry(&self, _telemetry: &Telemetry) -> Vec<Wrong> {
        Vec::new()
    }

    /// What is wrong with `tls` of `service.telemetry.metrics`, which is a receiver's.
    fn check_own_tls(&self, _section: &Value, _errors: &mut Errors) {}

    /// What is wrong with the `modules` section.
    fn check_modules(&self, _value: &Value, _errors: &mut Errors) {}
}
