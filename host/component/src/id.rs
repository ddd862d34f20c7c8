//! The names of things in a configuration: `type/name` for a component, `signal/name` for a pipeline.

use std::fmt;
use std::str::FromStr;

use host_otlp::Signal;

/// The kinds of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Receiver,
    Processor,
    Exporter,
    Connector,
    Extension,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Receiver => "receiver",
            Kind::Processor => "processor",
            Kind::Exporter => "exporter",
            Kind::Connector => "connector",
            Kind::Extension => "extension",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("the id is empty before or after the slash")]
    Empty,
    #[error("{0:?} is no component type: letters, digits and underscores, a letter first")]
    Type(String),
    #[error("{0:?} is no signal: logs, traces or metrics")]
    Signal(String),
    #[error("profiles are not served: take the pipeline out, or keep it in a Collector")]
    Profiles,
}

/// A component's identity in configuration, logs and metrics: its type and, where there are several, a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    r#type: String,
    name: Option<String>,
}

impl ComponentId {
    pub fn r#type(&self) -> &str {
        &self.r#type
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl FromStr for ComponentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (r#type, name) = split(text)?;
        let mut chars = r#type.chars();
        let valid = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            return Err(IdError::Type(r#type.to_owned()));
        }
        Ok(ComponentId { r#type: r#type.to_owned(), name: name.map(str::to_owned) })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.r#type),
            None => f.write_str(&self.r#type),
        }
    }
}

/// A pipeline's identity: its signal and, where there are several, a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId {
    signal: Signal,
    name: Option<String>,
}

impl PipelineId {
    pub fn signal(&self) -> Signal {
        self.signal
    }
}

impl FromStr for PipelineId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (signal, name) = split(text)?;
        let known = Signal::ALL.into_iter().find(|s| s.name() == signal);
        let signal = known.ok_or_else(|| match signal {
            "profiles" => IdError::Profiles,
            other => IdError::Signal(other.to_owned()),
        })?;
        Ok(PipelineId { signal, name: name.map(str::to_owned) })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.signal),
            None => write!(f, "{}", self.signal),
        }
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), IdError> {
    let (head, name) = match text.split_once('/') {
        Some((head, name)) => (head.trim(), Some(name.trim())),
        None => (text.trim(), None),
    };
    if head.is_empty() || name.is_some_and(str::is_empty) {
        return Err(IdError::Empty);
    }
    Ok((head, name))
}
