//! The factories make each component by its type, with what the components of one process share: the byte budget of
//! the receivers, the sandbox, the metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use host_component::{
    Authenticators, BoxFuture, ComponentId, Consumer, Consumers, Exporter, Kind, MetadataKeys, Receiver,
};
use host_config::watched::Watched;
use host_config::{Errors, Validated, Value};
use host_kubernetes::leader::Electors;
use host_modules::{Follower, ModulesSection};
use host_pipeline::{Cause, Place};
use host_processors::k8s_attributes::{self, Caches};
use host_processors::memory_limiter::{self, Limiters};
use host_processors::resource_detection::{self, Detections};
use host_receivers::Budget;
use host_telemetry::{Metrics, listen};
use host_wasm::{Limits, ModuleSource, ModulesConfig, NotReady, ProcessorConfig, Sandbox};

use crate::catalog::{self, canonical};
use crate::debug::InForce;
use crate::elections::Elections;
use crate::memory::ProcessMemory;
use crate::queues::{self, Storages};
use crate::{bundled, extensions, metadata};

/// Makes every component of this binary, for one configuration.
pub(crate) struct Factories {
    base: PathBuf,
    budget: Budget,
    auth: Authenticators,
    /// What the budget is while this configuration is in force.
    in_flight: usize,
    ack_timeout: Duration,
    /// What request metadata is read behind each receiver.
    metadata: BTreeMap<ComponentId, MetadataKeys>,
    metrics: Metrics,
    /// Where queues lie.
    storages: Storages,
    elections: Elections,
    /// Which look after the memory of the process.
    limiters: Limiters,
    /// Where this runs, as the processors of this configuration have detected it.
    detections: Detections,
    /// What is known of pods.
    caches: Caches,
    sandbox: Arc<Sandbox>,
    /// Who follows pushed modules, until this is in force.
    follower: Mutex<Option<Follower>>,
    /// The section that the sandbox was made of.
    modules: String,
    /// The extensions that components may name, each with its section.
    extensions: Vec<(String, String)>,
}

/// What the components of one configuration share with those of the next.
struct Shared<'a> {
    budget: Budget,
    limiters: Limiters,
    caches: Caches,
    electors: Electors,
    metrics: &'a Metrics,
    sandbox: Arc<Sandbox>,
    follower: Option<Follower>,
}

impl Factories {
    /// Starts what the components share.
    ///
    /// # Errors
    /// When the sandbox cannot start.
    pub(crate) fn new(config: &Validated, metrics: &Metrics) -> anyhow::Result<Self> {
        let in_flight = config.limits.in_flight_bytes();
        let budget = Budget::new(in_flight);
        let reserved = budget.clone();
        let help = "Bytes that the receivers hold of requests that are not answered yet.";
        metrics.sampled("tidegate_receiver_in_flight_bytes", help, move || reserved.used() as f64);
        let (sandbox, follower) = start_sandbox(config, metrics)?;
        let limiters = Limiters::new(ProcessMemory(budget.clone()));
        Factories::of(
            config,
            Shared {
                budget,
                limiters,
                caches: Caches::default(),
                electors: Electors::default(),
                metrics,
                sandbox,
                follower,
            },
        )
    }

    /// The factories of another configuration. What components share is shared with those of this one; the sandbox is
    /// another where the modules' section is.
    ///
    /// # Errors
    /// As [`Factories::new`].
    pub(crate) fn next(&self, config: &Validated) -> anyhow::Result<Self> {
        let (sandbox, follower) = match modules(config) == self.modules {
            true => (Arc::clone(&self.sandbox), None),
            false => start_sandbox(config, &self.metrics)?,
        };
        let (budget, limiters, metrics) = (self.budget.clone(), self.limiters.clone(), &self.metrics);
        let (caches, electors) = (self.caches.clone(), self.elections.electors().clone());
        let shared = Shared { budget, limiters, caches, electors, metrics, sandbox, follower };
        let next = Factories::of(config, shared)?;
        // More room is there at once, since receivers ask for it when they are built; less when this is in force.
        self.budget.resize(self.in_flight.max(next.in_flight));
        Ok(next)
    }

    fn of(config: &Validated, shared: Shared<'_>) -> anyhow::Result<Self> {
        let Shared { budget, limiters, caches, electors, metrics, sandbox, follower } = shared;
        let extensions = config.extensions.iter().map(|(id, section)| (id.to_string(), section.canonical())).collect();
        let auth = extensions::build(config, metrics)?;
        let metadata = metadata::read_by(config, &modules_config(config)?, &auth)?;
        Ok(Factories {
            base: config.base.clone(),
            budget,
            in_flight: config.limits.in_flight_bytes(),
            ack_timeout: config.limits.patience(),
            auth,
            metadata,
            metrics: metrics.clone(),
            storages: Storages::of(config)?,
            elections: Elections::of(config, electors)?,
            limiters,
            detections: Detections::default(),
            caches,
            sandbox,
            follower: Mutex::new(follower),
            modules: modules(config),
            extensions,
        })
    }

    /// What the debug pages tell of this configuration.
    pub(crate) fn shown(&self, config: &Validated) -> InForce {
        let (pipelines, junctions) = (config.pipelines.clone(), config.junctions.clone());
        InForce { pipelines, junctions, sandbox: Arc::clone(&self.sandbox) }
    }

    /// This is the configuration that is in force.
    pub(crate) fn in_force(&self) {
        self.budget.resize(self.in_flight);
        let follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(follower) = follower {
            host_component::spawn("follow pushed modules", "modules", follower.run(self.sandbox.shutdown()));
        }
    }

    pub(crate) fn auth(&self) -> &Authenticators {
        &self.auth
    }

    pub(crate) fn elections(&self) -> &Elections {
        &self.elections
    }

    pub(crate) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// Loads the modules of the processors that were made.
    ///
    /// # Errors
    /// Every processor whose module cannot be loaded, one a line.
    pub(crate) async fn load_modules(&self, config: &Validated) -> anyhow::Result<()> {
        load(&self.sandbox, config).await
    }

    /// What a receiver is built with; `nothing` is what is read behind one that nobody reads metadata behind.
    fn receiver_deps<'a>(&'a self, id: &ComponentId, nothing: &'a MetadataKeys) -> host_receivers::Deps<'a> {
        host_receivers::Deps {
            budget: &self.budget,
            ack_timeout: self.ack_timeout,
            base: &self.base,
            auth: &self.auth,
            metadata: self.metadata.get(id).unwrap_or(nothing),
            metrics: &self.metrics,
        }
    }

    /// An exporter, without the queue that it may have before it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(crate) async fn sender(&self, id: &ComponentId, config: &Value) -> Result<Arc<dyn Exporter>, Cause> {
        let metrics = &self.metrics;
        match canonical(Kind::Exporter, id) {
            "otlp_grpc" => Ok(config.decode::<host_exporters::otlp::Config>()?.build(id, &self.exporter_deps())?),
            "otlp_http" => Ok(config.decode::<host_exporters::otlp::HttpConfig>()?.build(id, &self.exporter_deps())?),
            "load_balancing" => {
                Ok(config.decode::<host_exporters::load_balancing::Config>()?.build(id, &self.exporter_deps())?)
            }
            "prometheus_remote_write" => {
                let config = config.decode::<host_exporters::prometheus_remote_write::Config>()?;
                Ok(config.build(id, &self.exporter_deps())?)
            }
            "loki" => Ok(config.decode::<host_exporters::loki::Config>()?.build(id, &self.exporter_deps())?),
            "kafka" => Ok(config.decode::<host_kafka::exporter::Config>()?.build(id, &self.exporter_deps())?),
            "file" => Ok(config.decode::<host_exporters::file::Config>()?.build(id.clone(), &self.base, metrics)?),
            "debug" => Ok(config.decode::<host_exporters::debug::Config>()?.build(id.clone(), metrics)?),
            "splunk_hec" => {
                Ok(config.decode::<host_exporters::splunk_hec::Config>()?.build(id, &self.exporter_deps()).await?)
            }
            "datadog" => {
                Ok(config.decode::<host_exporters::datadog::Config>()?.build(id, &self.exporter_deps()).await?)
            }
            other => Err(unlisted(Kind::Exporter, other)),
        }
    }

    /// What exporters are built with.
    fn exporter_deps(&self) -> host_exporters::Deps<'_> {
        host_exporters::Deps { base: &self.base, auth: &self.auth, metrics: &self.metrics }
    }

    /// A processor or connector of the Collector's that runs as a bundled module.
    fn guest(
        &self,
        kind: Kind,
        id: &ComponentId,
        config: &Value,
        place: &Place<'_>,
        next: Arc<dyn Consumer>,
    ) -> Result<Arc<dyn Consumer>, Cause> {
        let r#type = canonical(kind, id);
        let guest = catalog::find(kind, r#type).and_then(|entry| entry.guest.as_ref());
        let guest = guest.ok_or_else(|| unlisted(kind, r#type))?;
        let (module, metadata) = (guest.module.to_owned(), guest.request_keys(config));
        let config = Some(guest.config(config)?);
        // Their sections have no keys for limits, and what a batch may need of pattern matching is up to the operator's patterns.
        let limits = Limits { timeout: Duration::from_secs(1), output_mib: 16, ..Limits::default() };
        let config = ProcessorConfig { module, config, metadata, limits, ..ProcessorConfig::default() };
        self.wasm(id, config, place, next)
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
            let exporter = self.sender(id, config).await?;
            queues::before(id, config, &self.storages, exporter, &self.metrics).await
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
                "memory_limiter" => {
                    let config = config.decode::<memory_limiter::Config>()?;
                    let (limiters, metrics, signal) = (&self.limiters, &self.metrics, place.pipeline.signal());
                    Ok(config.build(id, next, &memory_limiter::Deps { limiters, metrics, signal })?)
                }
                "resource_detection" => {
                    let config = config.decode::<resource_detection::Config>()?;
                    let deps = resource_detection::Deps { detections: &self.detections, metrics: &self.metrics };
                    Ok(config.build(id.clone(), next, &deps).await?)
                }
                "k8s_attributes" => {
                    let config = config.decode::<k8s_attributes::Config>()?;
                    let (caches, metrics, signal) = (&self.caches, &self.metrics, place.pipeline.signal());
                    Ok(config.build(id.clone(), next, &k8s_attributes::Deps { caches, metrics, signal }).await?)
                }
                "wasm" => self.wasm(id, config.decode()?, &place, next),
                _ => self.guest(Kind::Processor, id, config, &place, next),
            }
        })
    }

    fn is_by_cluster(&self, id: &ComponentId, config: &Value) -> bool {
        canonical(Kind::Processor, id) == "wasm"
            && config.decode::<ProcessorConfig>().is_ok_and(|config| config.source == ModuleSource::Kubernetes)
    }

    fn connector<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        place: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>> {
        Box::pin(async move {
            match canonical(Kind::Connector, id) {
                "forward" => Ok(next),
                _ => self.guest(Kind::Connector, id, config, &place, next),
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
            let nothing = MetadataKeys::default();
            match canonical(Kind::Receiver, id) {
                "otlp" => {
                    let config = config.decode::<host_receivers::otlp::Config>()?;
                    config.check_room(id, self.in_flight)?;
                    Ok(Box::new(config.build(id.clone(), &consumers, &self.receiver_deps(id, &nothing))?) as _)
                }
                "file_log" => {
                    let config = config.decode::<host_receivers::file_log::Config>()?;
                    let storage = config.storage.as_ref().map(|name| self.storages.folder_of(name)).transpose()?;
                    let deps = self.receiver_deps(id, &nothing);
                    Ok(Box::new(config.build(id.clone(), &consumers, storage.as_deref(), &deps)?) as _)
                }
                "syslog" => {
                    let config = config.decode::<host_receivers::syslog::Config>()?;
                    Ok(Box::new(config.build(id, &consumers, &self.receiver_deps(id, &nothing))?) as _)
                }
                "journald" => {
                    let config = config.decode::<host_receivers::journald::Config>()?;
                    let storage = config.storage.as_ref().map(|name| self.storages.folder_of(name)).transpose()?;
                    let deps = self.receiver_deps(id, &nothing);
                    Ok(Box::new(config.build(id, &consumers, storage.as_deref(), &deps)?) as _)
                }
                "kafka" => {
                    let config = config.decode::<host_kafka::receiver::Config>()?;
                    Ok(Box::new(config.build(id.clone(), &consumers, &self.receiver_deps(id, &nothing))?) as _)
                }
                "prometheus" => {
                    let config = config.decode::<host_scrape::Config>()?;
                    Ok(Box::new(config.build(id.clone(), &consumers, &self.receiver_deps(id, &nothing))?) as _)
                }
                "host_metrics" => {
                    let config = config.decode::<host_machine::host_metrics::Config>()?;
                    Ok(config.build(id, &consumers, &self.receiver_deps(id, &nothing))?)
                }
                "gpu" => {
                    let config = config.decode::<host_machine::gpu::Config>()?;
                    Ok(config.build(id, &consumers, &self.receiver_deps(id, &nothing))?)
                }
                "kubelet_stats" => {
                    let config = config.decode::<host_kubelet::Config>()?;
                    let deps = self.receiver_deps(id, &nothing);
                    Ok(Box::new(config.build(id.clone(), &consumers, &deps).await?) as _)
                }
                "k8s_cluster" => {
                    let config = config.decode::<host_cluster::Config>()?;
                    let leadership = self.elections.leadership(config.k8s_leader_elector.as_ref(), &self.metrics)?;
                    Ok(Box::new(config.build(id, &consumers, leadership, &self.receiver_deps(id, &nothing))?) as _)
                }
                "k8s_events" => {
                    let config = config.decode::<host_events::Config>()?;
                    let storage = config.storage.as_ref().map(|name| self.storages.folder_of(name)).transpose()?;
                    let leadership = self.elections.leadership(config.k8s_leader_elector.as_ref(), &self.metrics)?;
                    let receivers = &self.receiver_deps(id, &nothing);
                    let deps = host_events::Deps { receivers, storage: storage.as_deref(), leadership };
                    Ok(Box::new(config.build(id, &consumers, &deps)?) as _)
                }
                other => Err(unlisted(Kind::Receiver, other)),
            }
        })
    }

    /// Modules decide what a processor or connector does, what is read behind a receiver what that keeps of a request, and extensions
    /// whom a component that names them lets in.
    fn content(&self, kind: Kind, id: &ComponentId, config: &Value) -> String {
        let mut content = config.canonical();
        // One extension may name another.
        let mut others: Vec<&(String, String)> = self.extensions.iter().collect();
        while let Some(at) = others.iter().position(|(id, _)| content.contains(&format!("{id:?}"))) {
            content.push_str(&others.remove(at).1);
        }
        match kind {
            Kind::Processor | Kind::Connector => content.push_str(&self.modules),
            Kind::Receiver => content.push_str(&format!("{:?} {:?}", self.metadata.get(id), self.ack_timeout)),
            Kind::Exporter | Kind::Extension => {}
        }
        content
    }

    fn keep(&self, kind: Kind, id: &ComponentId, config: &Value) -> Result<(), Cause> {
        match (kind, canonical(kind, id)) {
            (Kind::Receiver, r#type) => {
                listen::keep(&format!("{kind} {id}"));
                host_receivers::file_log::keep(id);
                host_receivers::journald::keep(id);
                host_events::keep(id);
                if r#type == "otlp" {
                    config.decode::<host_receivers::otlp::Config>()?.check_room(id, self.in_flight)?;
                }
            }
            (Kind::Exporter, r#type) => {
                host_queue::keep(id);
                if r#type == "file" {
                    host_exporters::file::keep(id);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Loads the modules of the processors that a sandbox has made.
///
/// # Errors
/// Every processor whose module cannot be loaded, one a line.
pub(crate) async fn load(sandbox: &Sandbox, config: &Validated) -> anyhow::Result<()> {
    let Err(failures) = sandbox.ready().await else { return Ok(()) };
    let line = |failure: &NotReady| {
        let told = format!("cannot load {failure}");
        let id = &failure.processor;
        match config.processors.get(id).or_else(|| config.connectors.get(id)) {
            Some(section) => section.problem(told).to_string(),
            None => told,
        }
    };
    let lines: Vec<String> = failures.iter().map(line).collect();
    Err(anyhow!("{}", lines.join("\n")))
}

/// The modules' section.
fn modules(config: &Validated) -> String {
    config.modules.as_ref().map(Value::canonical).unwrap_or_default()
}

/// The section `modules`, as it was written.
pub(crate) fn modules_section(config: &Validated) -> Result<ModulesSection, Errors> {
    config.modules.as_ref().map_or_else(|| Ok(ModulesSection::default()), Value::decode)
}

pub(crate) fn modules_config(config: &Validated) -> Result<ModulesConfig, Errors> {
    modules_section(config).map(|section| section.sandbox())
}

/// The files that the modules of `wasm` processors are made of, as they are now, whether they are there or not.
pub(crate) fn module_files(config: &Validated) -> Vec<Watched> {
    let Ok(modules) = modules_config(config) else { return Vec::new() };
    let is_wasm = |id: &ComponentId| canonical(Kind::Processor, id) == "wasm";
    let sections = config.processors.iter().filter(|(id, _)| is_wasm(id));
    let sections = sections.filter_map(|(_, section)| section.decode::<ProcessorConfig>().ok());
    let mut files: Vec<Watched> =
        sections.flat_map(|section| modules.files_of(&section, &config.base)).map(Watched::new).collect();
    files.iter_mut().for_each(Watched::take);
    files
}

/// A sandbox, and who puts what is pushed onto its shelf, where that is wanted.
fn start_sandbox(config: &Validated, metrics: &Metrics) -> anyhow::Result<(Arc<Sandbox>, Option<Follower>)> {
    let section = modules_section(config)?;
    let sandbox = Sandbox::start(section.sandbox(), bundled::modules(), metrics.clone(), config.base.clone());
    let sandbox = sandbox.context("cannot start the sandbox")?;
    let follower =
        Follower::start(&section, &config.base, &sandbox, metrics).context("cannot follow pushed modules")?;
    Ok((sandbox, follower))
}

/// A type that the catalog lists and no factory makes: a mistake in this file, which a test looks for.
fn unlisted(kind: Kind, r#type: &str) -> Cause {
    anyhow!("there is no factory for the {kind} {:?}", r#type).into()
}
