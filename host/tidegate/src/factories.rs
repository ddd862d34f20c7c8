//! The factories make each component by its type, with what the components of one process share: the byte budget of
//! the receivers, the sandbox, the metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use host_component::{
    Authenticators, BoxFuture, ComponentId, Consumer, Consumers, Exporter, Kind, MetadataKeys, Receiver,
};
use host_config::{Validated, Value};
use host_pipeline::{Cause, Place};
use host_receivers::Budget;
use host_telemetry::Metrics;
use host_wasm::{ModulesConfig, ProcessorConfig, Sandbox};

use crate::catalog::{self, canonical};
use crate::{bundled, extensions, metadata};

/// Makes every component of this binary.
pub(crate) struct Factories {
    base: PathBuf,
    budget: Budget,
    auth: Authenticators,
    /// What request metadata is read behind each receiver.
    metadata: BTreeMap<ComponentId, MetadataKeys>,
    metrics: Metrics,
    sandbox: Arc<Sandbox>,
}

impl Factories {
    /// Starts what the components share.
    ///
    /// # Errors
    /// When the sandbox cannot start.
    pub(crate) fn new(config: &Validated, metrics: &Metrics) -> anyhow::Result<Self> {
        let modules: ModulesConfig = match &config.modules {
            Some(section) => section.decode()?,
            None => ModulesConfig::default(),
        };
        let auth = extensions::build(config, metrics)?;
        let metadata = metadata::read_by(config, &modules, &auth)?;
        let base = config.base.clone();
        let sandbox = Sandbox::start(modules, bundled::modules(), metrics.clone(), base.clone());
        let sandbox = sandbox.context("cannot start the sandbox")?;
        let budget = Budget::new(config.limits.in_flight_bytes());
        let reserved = budget.clone();
        let help = "Bytes that the receivers hold of requests that are not answered yet.";
        metrics.sampled("tidegate_receiver_in_flight_bytes", help, move || reserved.used() as f64);
        Ok(Factories { base, budget, auth, metadata, metrics: metrics.clone(), sandbox })
    }

    pub(crate) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// Loads the modules of the processors that were made.
    ///
    /// # Errors
    /// Every processor whose module cannot be loaded, one a line.
    pub(crate) async fn load_modules(&self) -> anyhow::Result<()> {
        let Err(failures) = self.sandbox.ready().await else { return Ok(()) };
        let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
        Err(anyhow!("cannot load {}", lines.join("\ncannot load ")))
    }

    /// What exporters are built with.
    fn exporter_deps(&self) -> host_exporters::Deps<'_> {
        host_exporters::Deps { base: &self.base, auth: &self.auth, metrics: &self.metrics }
    }

    fn wasm(
        &self,
        id: &ComponentId,
        config: ProcessorConfig,
        place: &Place<'_>,
        next: Arc<dyn Consumer>,
    ) -> Result<Arc<dyn Consumer>, Cause> {
        let module = config.module.clone();
        let built = self.sandbox.processor(id.clone(), place.pipeline.clone(), config, place.routes, next);
        built.map_err(|error| match bundled::is_missing(&module) {
            true => anyhow!(
                "this binary was built without the bundled modules: run `cargo xtask guests` and build again, or put \
                 {module}.wasm into modules.folder"
            )
            .into(),
            false => error.into(),
        })
    }
}

impl host_pipeline::Factories for Factories {
    fn exporter<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Arc<dyn Exporter>, Cause>> {
        Box::pin(async move {
            let metrics = &self.metrics;
            match canonical(Kind::Exporter, id) {
                "otlp_grpc" => Ok(config.decode::<host_exporters::otlp::Config>()?.build(id, &self.exporter_deps())?),
                "otlp_http" => {
                    Ok(config.decode::<host_exporters::otlp::HttpConfig>()?.build(id, &self.exporter_deps())?)
                }
                "file" => {
                    Ok(config.decode::<host_exporters::file::Config>()?.build(id.clone(), &self.base, metrics)?)
                }
                "debug" => Ok(config.decode::<host_exporters::debug::Config>()?.build(id.clone(), metrics)?),
                other => Err(unlisted(Kind::Exporter, other)),
            }
        })
    }

    fn processor<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        place: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>> {
        Box::pin(async move {
            match canonical(Kind::Processor, id) {
                "batch" => {
                    Ok(config.decode::<host_processors::batch::Config>()?.build(id.clone(), next, &self.metrics)?)
                }
                "wasm" => self.wasm(id, config.decode()?, &place, next),
                other => {
                    let guest = catalog::find(Kind::Processor, other).and_then(|entry| entry.guest.as_ref());
                    let guest = guest.ok_or_else(|| unlisted(Kind::Processor, other))?;
                    let (module, config) = (guest.module.to_owned(), Some(guest.config(config)?));
                    self.wasm(id, ProcessorConfig { module, config, ..ProcessorConfig::default() }, &place, next)
                }
            }
        })
    }

    fn receiver<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        consumers: Consumers,
    ) -> BoxFuture<'a, Result<Box<dyn Receiver>, Cause>> {
        Box::pin(async move {
            match canonical(Kind::Receiver, id) {
                "otlp" => {
                    let config = config.decode::<host_receivers::otlp::Config>()?;
                    let nothing = MetadataKeys::default();
                    let deps = host_receivers::Deps {
                        budget: &self.budget,
                        base: &self.base,
                        auth: &self.auth,
                        metadata: self.metadata.get(id).unwrap_or(&nothing),
                        metrics: &self.metrics,
                    };
                    Ok(Box::new(config.build(id.clone(), &consumers, &deps)?) as _)
                }
                other => Err(unlisted(Kind::Receiver, other)),
            }
        })
    }
}

/// A type that the catalog lists and no factory makes: a mistake in this file, which a test looks for.
fn unlisted(kind: Kind, r#type: &str) -> Cause {
    anyhow!("there is no factory for the {kind} {:?}", r#type).into()
}
