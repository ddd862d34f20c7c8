//! What a gateway of many clusters pays for it: the same requests through processors of one pushed module for all, and through
//! processors whose module is there once for each of 200 clusters; with rules that find nothing, so that what comes passes through,
//! and with rules that find something in each request, so that each is a guest's.
//!
//! `cargo xtask bench clusters` builds and runs it. CPU time of the whole process an item, guests and the wait for them included;
//! a figure is the least of its rounds, and rounds of all kinds take turns.

#[path = "../abi/data.rs"]
mod data;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::future::{BoxFuture, join_all};
use host_component::{Consumer, Delivery, Outcome, PipelineId};
use host_manifest::{ClusterPattern, Digest, Fields};
use host_telemetry::Metrics;
use host_wasm::{
    Edition, GrantsConfig, Limits, ModuleSource, ModulesConfig, ProcessorConfig, Pushed, Sandbox, Standing,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Duration, sleep};

const CLUSTERS: usize = 200;
/// Components that differ, of which each cluster has one.
const MODULES: usize = 20;
const REQUESTS: usize = 400;
const ROUNDS: usize = 15;
/// What passing through a gateway of many clusters may cost, over what one of a single module does.
const BAR: f64 = 1.2;
/// Requests that are under way at a time.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "compile") {
        // The sandbox starts this program again to compile a module.
        return host_wasm::compile_main(arguments.skip(1));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(bench())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What rules do with the requests: their detectors, and whether they find something in each.
#[derive(Clone, Copy)]
struct Rules {
    name: &'static str,
    detectors: &'static str,
    has_bar: bool,
}

const RULES: [Rules; 2] = [
    Rules { name: "find nothing", detectors: r#"["us_ssn","jwt","cloud_key","bearer_token"]"#, has_bar: true },
    Rules {
        name: "find some",
        detectors: r#"["email","payment_card","us_ssn","phone","ipv4","ipv6","jwt"]"#,
        has_bar: false,
    },
];

/// Takes everything.
struct Sink;

impl Consumer for Sink {
    fn consume(&self, _delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Ok(()) })
    }
}

/// A sandbox with processors one behind another.
struct Gateway {
    sandbox: Arc<Sandbox>,
    first: Arc<dyn Consumer>,
    least: f64,
}

async fn bench() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/components/pii-scrub.wasm");
    let component = fs::read(&component).with_context(|| component.display().to_string())?;
    println!(
        "| rules | processors | heads | memory after loading, MiB | CPU µs an item | over one head | bar |\n|---|---|---|---|---|---|---|"
    );
    let mut gateways = Vec::new();
    for rules in RULES {
        for (processors, clusters) in [(1, 1), (1, CLUSTERS), (MODULES, 1), (MODULES, CLUSTERS)] {
            let before = resident()?;
            let place = folder.path().join(gateways.len().to_string());
            let gateway = Gateway::start(&place, &component, rules, (processors, clusters)).await?;
            gateways.push((rules, processors, clusters, resident()? - before, gateway));
        }
    }
    for _ in 0..ROUNDS {
        for (.., gateway) in &mut gateways {
            gateway.round().await?;
        }
    }
    let mut worst: f64 = 0.0;
    for pair in gateways.chunks(2) {
        let one = pair[0].4.least;
        for (rules, processors, clusters, memory, gateway) in pair {
            let (name, heads, ratio) = (rules.name, processors * clusters, gateway.least / one);
            let bar = match rules.has_bar && *clusters > 1 {
                true => format!("{BAR} {}", if ratio <= BAR { "pass" } else { "FAIL" }),
                false => String::new(),
            };
            worst = if rules.has_bar { worst.max(ratio) } else { worst };
            println!("| {name} | {processors} | {heads} | {memory:.0} | {:.3} | {ratio:.2} | {bar} |", gateway.least);
        }
    }
    println!("\nworst of what passes through: {worst:.2}, bar {BAR}");
    for (.., gateway) in gateways {
        gateway.sandbox.drain(Duration::from_secs(10)).await;
    }
    Ok(())
}

impl Gateway {
    async fn start(
        place: &Path,
        component: &[u8],
        rules: Rules,
        (processors, clusters): (usize, usize),
    ) -> Result<Gateway> {
        fs::create_dir(place)?;
        let all = GrantsConfig { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() };
        let names = (0..processors).map(|number| format!("scrub-{number}"));
        let config = ModulesConfig {
            cache: Some(PathBuf::from("cache")),
            grants: names.clone().map(|name| (name, all.clone())).collect(),
            has_shelf: true,
            ..ModulesConfig::default()
        };
        let sandbox = Sandbox::start(config, &[], Metrics::new(), place.to_path_buf())?;
        let mut editions = Vec::new();
        for name in names.clone() {
            for cluster in 0..clusters {
                let pattern = if clusters == 1 { "*".to_owned() } else { format!("edge-{cluster}") };
                editions.push(Arc::new(Edition::new(pushed(place, component, rules, (&name, cluster, &pattern))?)));
            }
        }
        editions.iter().for_each(|edition| sandbox.shelf().put(Arc::clone(edition)));
        let pipeline: PipelineId = "logs".parse()?;
        let mut first: Arc<dyn Consumer> = Arc::new(Sink);
        for name in names {
            let config = ProcessorConfig {
                module: name.clone(),
                source: ModuleSource::Kubernetes,
                limits: Limits { timeout: Duration::from_secs(5), ..Limits::default() },
                ..ProcessorConfig::default()
            };
            first = sandbox.processor(format!("wasm/{name}").parse()?, pipeline.clone(), config, &[], first)?;
        }
        // Pushed modules do not keep a collector from starting.
        let _ = sandbox.ready().await;
        while editions.iter().any(|edition| sandbox.shelf().standing(edition) != Some(Standing::Live)) {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Gateway { sandbox, first, least: f64::MAX })
    }

    /// Sends each request once.
    async fn round(&mut self) -> Result<()> {
        let requests: Vec<Delivery> = (0..REQUESTS)
            .map(|number| {
                let delivery = Delivery::new(data::request(number as u64));
                let origin = delivery.origin.of_cluster(&format!("edge-{}", number % CLUSTERS));
                Delivery { origin, ..delivery }
            })
            .collect();
        let items: u64 = requests.iter().map(|delivery| delivery.payload.items()).sum();
        let before = cpu();
        for some in requests.chunks(AT_ONCE) {
            for outcome in join_all(some.iter().map(|delivery| self.first.consume(delivery.clone()))).await {
                outcome?;
            }
        }
        self.least = self.least.min((cpu() - before) * 1e6 / items as f64);
        Ok(())
    }
}

/// One of the components, with such rules and a pattern of its own, which finds nothing in what is sent.
fn pushed(
    place: &Path,
    component: &[u8],
    rules: Rules,
    (module, cluster, pattern): (&str, usize, &str),
) -> Result<Pushed> {
    let number = cluster % MODULES;
    let mut own = component.to_vec();
    // A custom section, which makes it another component of the same code: id, size, and a name.
    own.extend([0, 3, 2, b'a' + u8::try_from(number)?, b'z']);
    let digest = Digest::of(&own);
    let path = place.join(format!("{digest}.wasm"));
    if !path.exists() {
        fs::write(&path, own)?;
    }
    let detectors = rules.detectors;
    let own = format!(r#"[{{"name":"own","regex":"cluster-{cluster}-secret"}}]"#);
    let config = format!(r#"{{"fields":["log.body"],"detectors":{detectors},"patterns":{own}}}"#);
    Ok(Pushed {
        head: format!("{module}-{cluster}"),
        module: module.to_owned(),
        revision: 1,
        digest,
        component: path,
        config,
        grants: Fields { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() },
        clusters: vec![ClusterPattern::read(pattern)?],
        is_good: false,
        withheld: None,
    })
}

/// CPU time of this process, in seconds.
fn cpu() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Memory of this process, in MiB.
fn resident() -> Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).context("statm has the resident pages")?.parse()?;
    Ok(pages * rustix::param::page_size() as f64 / (1 << 20) as f64)
}
