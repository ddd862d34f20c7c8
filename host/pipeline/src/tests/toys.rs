//! Components that do what their configuration says, and remember what was done to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use host_component::{
    BoxFuture, ComponentId, Consumer, Consumers, Delivery, Exporter, Failure, Kind, Outcome, Receiver, Shutdown, Signal,
};
use host_config::{Catalog, Errors, Lookup, Map, Validated, Value};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::{Cause, Factories, Place};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    /// Whether it cannot be built.
    fails: bool,
    /// Whether it panics when it runs.
    breaks: bool,
    /// Seconds that a receiver takes to end, or an exporter to flush.
    last: u64,
    /// Whether an exporter waits for the gate before it answers.
    waits: bool,
    /// The pipelines of each route among which a connector chooses, and the route that it chooses.
    table: Vec<Row>,
    takes: u16,
    /// Something that may change.
    #[serde(rename = "a")]
    _a: u64,
    /// What the pipeline reads of an exporter.
    #[serde(rename = "required")]
    _required: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Row {
    pipelines: Vec<String>,
}

/// Makes toys.
#[derive(Default)]
pub(super) struct Toys {
    pub(super) told: Told,
    /// What receivers were handed, by id.
    handed: Mutex<BTreeMap<String, Consumers>>,
    pub(super) gate: Arc<Gate>,
}

/// Lets deliveries through once it is open.
pub(super) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Gate(Semaphore::new(0))
    }
}

impl Gate {
    pub(super) fn open(&self) {
        self.0.close();
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn say(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What was said since this was asked last.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Toys {
    /// Where a receiver hands its logs to.
    pub(super) fn logs_of(&self, receiver: &str) -> Option<Arc<dyn Consumer>> {
        self.handed.lock().unwrap()[receiver].of(Signal::Logs)
    }
}

/// A configuration of toys.
pub(super) fn config(yaml: &str) -> Validated {
    let source = Map::default().with_file("toys.yaml", yaml);
    let document = host_config::load("toys.yaml".as_ref(), &source).unwrap();
    host_config::validate(document, &Everything).unwrap_or_else(|errors| panic!("{errors}")).0
}

struct Everything;

impl Catalog for Everything {
    fn lookup(&self, _: Kind, _: &str) -> Lookup {
        Lookup::Known { canonical: "toy", deprecated_alias: false, signals: &Signal::ALL }
    }

    fn check(&self, _: Kind, _: &ComponentId, _: &Value, _: &mut Errors) {}

    fn routes(&self, _: &ComponentId, _: Signal, value: &Value) -> Vec<String> {
        let config: Config = value.decode().unwrap();
        config.table.into_iter().map(|row| row.pipelines.join(", ")).collect()
    }
}

impl Factories for Toys {
    fn exporter<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Arc<dyn Exporter>, Cause>> {
        Box::pin(async move {
            let config = self.build(Kind::Exporter, id, config)?;
            let (told, gate) = (self.told.clone(), Arc::clone(&self.gate));
            Ok(Arc::new(Sink { id: id.clone(), config, told, gate }) as Arc<dyn Exporter>)
        })
    }

    fn processor<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        _: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>> {
        Box::pin(async move {
            self.build(Kind::Processor, id, config)?;
            Ok(next)
        })
    }

    fn connector<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        place: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>> {
        Box::pin(async move {
            let config = self.build(Kind::Connector, id, config)?;
            let route = (!place.routes.is_empty()).then_some(config.takes);
            Ok(Arc::new(Switch { route, next }) as Arc<dyn Consumer>)
        })
    }

    fn receiver<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        consumers: Consumers,
    ) -> BoxFuture<'a, Result<Box<dyn Receiver>, Cause>> {
        Box::pin(async move {
            let config = self.build(Kind::Receiver, id, config)?;
            self.handed.lock().unwrap().insert(id.to_string(), consumers);
            Ok(Box::new(Tap { id: id.clone(), config, told: self.told.clone() }) as Box<dyn Receiver>)
        })
    }

    fn keep(&self, kind: Kind, id: &ComponentId, _: &Value) -> Result<(), Cause> {
        self.told.say(format!("kept {kind} {id}"));
        Ok(())
    }
}

impl Toys {
    fn build(&self, kind: Kind, id: &ComponentId, config: &Value) -> Result<Config, Cause> {
        let config: Config = config.decode()?;
        if config.fails {
            return Err("it fails".into());
        }
        self.told.say(format!("built {kind} {id}"));
        Ok(config)
    }
}

/// A connector.
struct Switch {
    route: Option<u16>,
    next: Arc<dyn Consumer>,
}

impl Consumer for Switch {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        assert_eq!(delivery.route, None, "routes of the pipeline before it are none of its own");
        self.next.consume(Delivery { route: self.route, ..delivery })
    }
}

/// A receiver.
struct Tap {
    id: ComponentId,
    config: Config,
    told: Told,
}

impl Receiver for Tap {
    fn run(self: Box<Self>, mut shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            assert!(!self.config.breaks, "broken");
            shutdown.wait().await;
            tokio::time::sleep(Duration::from_secs(self.config.last)).await;
            self.told.say(format!("ended receiver {}", self.id));
        })
    }
}

/// An exporter.
struct Sink {
    id: ComponentId,
    config: Config,
    told: Told,
    gate: Arc<Gate>,
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        assert_eq!(delivery.route, None, "what stands at the end knows nothing of routes");
        Box::pin(async {
            if self.config.waits {
                // It is closed when it is open.
                let _ = self.gate.0.acquire().await;
            }
            self.told.say(format!("delivered to {}", self.id));
            Ok::<(), Failure>(())
        })
    }
}

impl Exporter for Sink {
    fn stop_retrying(&self) {
        self.told.say(format!("stopped retrying exporter {}", self.id));
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(self.config.last)).await;
            self.told.say(format!("drained exporter {}", self.id));
        })
    }
}
