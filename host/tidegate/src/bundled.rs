//! The bundled modules: those that travel in the binary, and what each of them may read and write.

use std::sync::LazyLock;

/// A module that this binary has, where `cargo xtask guests` ran before it was built.
pub(crate) struct Module {
    pub(crate) name: &'static str,
    /// Paths, or `*` for every path.
    reads: &'static [&'static str],
    /// Paths, and the words `drop` and `route`.
    writes: &'static [&'static str],
}

/// What a scrubber works on, every text that a user may have put anywhere, and more that it may do.
macro_rules! texts {
    ($($more:literal)?) => {
        &[
            "resource.attributes[**]",
            "scope.attributes[**]",
            "log.body[**]",
            "log.attributes[**]",
            "log.event_name",
            "span.name",
            "span.attributes[**]",
            "span.status.message",
            "spanevent.name",
            "spanevent.attributes[**]",
            "spanlink.attributes[**]",
            "datapoint.attributes[**]",
            "exemplar.attributes[**]",
            "metric.metadata[**]",
            $($more)?
        ]
    };
}

/// What the actions of `attributes` change.
const ITEM_ATTRIBUTES: &[&str] = &["log.attributes[*]", "span.attributes[*]", "datapoint.attributes[*]"];

/// What they look at, and what its `include` and `exclude` do.
const ATTRIBUTES: &[&str] = &[
    "log.attributes[*]",
    "span.attributes[*]",
    "datapoint.attributes[*]",
    "resource.attributes[*]",
    "scope.name",
    "scope.version",
    "log.body",
    "log.severity_text",
    "log.severity_number",
    "span.name",
    "span.kind",
    "metric.name",
];

/// What `redaction` reads and writes: attributes of each row, and bodies.
const REDACTED: &[&str] = &[
    "resource.attributes[*]",
    "scope.attributes[*]",
    "log.attributes[*]",
    "log.body",
    "span.attributes[*]",
    "spanevent.attributes[*]",
    "datapoint.attributes[*]",
];

/// What makes a series, and what a point of it says.
const SERIES: &[&str] = &[
    "metric.name",
    "metric.type",
    "resource.attributes[*]",
    "datapoint.attributes[*]",
    "datapoint.time_unix_nano",
    "datapoint.value",
];

/// What becomes of points beyond the budget of their metric.
const POINTS: &[&str] = &["datapoint.attributes[*]", "datapoint.value", "drop"];

/// What an item is sampled by.
const SAMPLED_BY: &[&str] = &[
    "span.trace_id",
    "span.trace_state",
    "span.attributes[\"sampling.priority\"]",
    "log.trace_id",
    "log.attributes[*]",
];

/// What tells that an item was sampled.
const SAMPLED: &[&str] =
    &["span.trace_state", "log.attributes[\"sampling.threshold\"]", "log.attributes[\"sampling.randomness\"]", "drop"];

/// Keep in step with the names in `build.rs`, which a test does.
pub(crate) const MODULES: &[Module] = &[
    Module { name: "attributes", reads: ATTRIBUTES, writes: ITEM_ATTRIBUTES },
    Module { name: "cardinality-guard", reads: SERIES, writes: POINTS },
    Module { name: "cluster-labels", reads: &[], writes: &["resource.attributes[*]"] },
    Module { name: "filter", reads: &["*"], writes: &["drop"] },
    Module { name: "pii-scrub", reads: texts!(), writes: texts!("drop") },
    Module { name: "probabilistic-sampler", reads: SAMPLED_BY, writes: SAMPLED },
    Module { name: "redaction", reads: REDACTED, writes: REDACTED },
    Module { name: "resource", reads: &["resource.attributes[*]"], writes: &["resource.attributes[*]"] },
    Module { name: "routing", reads: &["*"], writes: &["route"] },
    Module { name: "routing-connector", reads: &["*"], writes: &["route", "drop"] },
    Module { name: "transform", reads: &["*"], writes: &["*"] },
];

/// Name and component of what was there when this binary was built; made by `build.rs`.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The modules that are there, in the form in which the sandbox takes them.
pub(crate) fn modules() -> &'static [host_wasm::Bundled] {
    static THERE: LazyLock<Vec<host_wasm::Bundled>> =
        LazyLock::new(|| MODULES.iter().filter_map(Module::there).collect());
    &THERE
}

/// Whether this binary should have a module of this name and does not.
pub(crate) fn is_missing(name: &str) -> bool {
    MODULES.iter().any(|module| module.name == name && !module.is_there())
}

impl Module {
    /// Whether it was there when this binary was built.
    pub(crate) fn is_there(&self) -> bool {
        self.component().is_some()
    }

    fn component(&self) -> Option<&'static [u8]> {
        EMBEDDED.iter().find(|(name, _)| *name == self.name).map(|(_, component)| *component)
    }

    fn there(&self) -> Option<host_wasm::Bundled> {
        let Module { name, reads, writes } = *self;
        self.component().map(|component| host_wasm::Bundled { name, component, reads, writes })
    }
}
