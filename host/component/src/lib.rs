//! The vocabulary of the pipeline: ids, outcomes, deliveries, and one trait per kind of component.
//!
//! No I/O happens here, and nothing here knows wasmtime, kube or a wire protocol.

mod auth;
pub mod claims;
mod cluster;
mod consumer;
mod delivery;
mod failure;
mod id;
mod shutdown;

pub use auth::{Authenticators, ClientAuth, Denied, HeaderAction, HeaderChange, ServerAuth};
pub use cluster::{ClusterKey, Subject, cluster_of};
pub use consumer::{Consumer, Consumers, DeadLetters, Exporter, Receiver, Reservation};
pub use delivery::{Delivery, IDENTITY, MetadataKeys, Origin, PEER};
pub use failure::{Failure, Outcome};
pub use id::{ComponentId, IdError, Kind, PipelineId};
pub use shutdown::{Shutdown, Trigger, spawn, spawn_in, task_span};

pub use futures_util::future::BoxFuture;
pub use host_otlp::{Payload, Signal};
