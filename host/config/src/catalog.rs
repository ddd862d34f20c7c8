//! The catalog knows which components this binary has; whoever lists the factories implements it.

use host_component::{ComponentId, Kind, Signal};

use crate::problem::Errors;
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

    /// What is wrong with the `modules` section.
    fn check_modules(&self, _value: &Value, _errors: &mut Errors) {}
}
