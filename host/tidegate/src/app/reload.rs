//! A reload reads the configuration again, builds what is new in it beside what runs, and has it take over when all of it
//! could be built. Whatever fails before that leaves everything as it was.

use std::path::PathBuf;

use host_component::claims;
use host_telemetry::{Counter, Gauge, Metrics};
use tokio::task::spawn_blocking;

use super::{Built, Force, placed, retire};
use crate::configuration::{self, Configuration};
use crate::factories;
use crate::watch::{Noted, Watch};

/// What the configuration is read again for.
pub(super) enum Why {
    Signal,
    Changed(PathBuf),
}

/// What came of reading it.
pub(super) struct Attempt {
    /// Over the files that were read; none where nothing was.
    watch: Option<Watch>,
    /// Whether it was read as a whole.
    was_read: bool,
    outcome: Outcome,
}

enum Outcome {
    /// The same was read before.
    NoNews,
    /// It is what is in force.
    InForce,
    Built(Box<Built>),
    /// All that is wrong, one problem a line.
    Refused(Vec<String>),
}

/// What is told of reloads in metrics.
pub(super) struct Reloads {
    metrics: Metrics,
    succeeded: Counter,
    failed: Counter,
    last: Gauge,
    hash: String,
}

const INFO: (&str, &str) = ("tidegate_config_info", "The configuration in force, by the hash of its content.");

impl Reloads {
    pub(super) fn new(metrics: &Metrics, hash: &str) -> Self {
        let counter = |outcome| {
            let help = "Attempts to take over a changed configuration, by outcome.";
            metrics.counter("tidegate_config_reloads", help, &[("outcome", outcome)])
        };
        let help = "Whether the configuration that was read last is in force: 1 or 0.";
        let last = metrics.gauge("tidegate_config_last_reload_successful", help, &[]);
        last.set(1);
        metrics.gauge(INFO.0, INFO.1, &[("hash", hash)]).set(1);
        let (succeeded, failed) = (counter("success"), counter("failure"));
        Reloads { metrics: metrics.clone(), succeeded, failed, last, hash: hash.to_owned() }
    }

    fn succeed(&mut self, hash: &str) {
        self.succeeded.inc();
        self.last.set(1);
        if self.hash != hash {
            self.metrics.gauge(INFO.0, INFO.1, &[("hash", hash)]).set(1);
            self.metrics.forget_gauge(INFO.0, &[("hash", &self.hash)]);
            hash.clone_into(&mut self.hash);
        }
    }

    fn fail(&self) {
        self.failed.inc();
        self.last.set(0);
    }
}

impl Force {
    /// Reads the configuration and builds what is new in it. Nothing that runs is touched.
    pub(super) async fn attempt(&self, why: &Why) -> Attempt {
        let locations = self.settings.locations.clone();
        let read = spawn_blocking(move || {
            let noted = Noted::default();
            let loaded = configuration::load(&locations, &noted, &noted.named());
            (loaded, Watch::over(noted))
        });
        let (loaded, mut watch) = match read.await {
            Ok(read) => read,
            Err(error) => {
                let outcome = Outcome::Refused(vec![error.to_string()]);
                return Attempt { watch: None, was_read: false, outcome };
            }
        };
        let was_read = loaded.is_ok();
        // A coarse clock may have a file look changed that is not. What was refused may have been so for something that
        // lies outside of the files: whoever touches one has it tried again.
        let is_news = matches!(why, Why::Signal) || self.was_refused || !watch.reads_as(&self.watch);
        let mut modules = Vec::new();
        let outcome = match loaded {
            _ if !is_news => Outcome::NoNews,
            Ok(config) => {
                modules = factories::module_files(&config.validated);
                self.build(config).await
            }
            Err(errors) => Outcome::Refused(errors.iter().map(ToString::to_string).collect()),
        };
        if matches!(outcome, Outcome::Refused(_)) {
            watch.include_named(modules);
        }
        Attempt { watch: Some(watch), was_read, outcome }
    }

    async fn build(&self, config: Configuration) -> Outcome {
        if config.hash == self.config.hash {
            return Outcome::InForce;
        }
        if let Some(problem) = self.fixed(&config) {
            return Outcome::Refused(vec![problem]);
        }
        match self.beside(config).await {
            Ok(built) => Outcome::Built(Box::new(built)),
            Err(error) => {
                self.factories.in_force();
                self.factories.sandbox().forget();
                Outcome::Refused(crate::told(&error).lines().map(str::to_owned).collect())
            }
        }
    }

    /// What cannot change while the collector runs, and does: the log that all of it writes to, and the spans that all of it
    /// makes.
    fn fixed(&self, config: &Configuration) -> Option<String> {
        let (now, then) = (&self.config.telemetry, &config.telemetry);
        let changes: [(&[&str], bool); 4] = [
            (&["logs", "encoding"], now.logs.encoding != then.logs.encoding),
            (&["logs", "processors"], now.logs.processors != then.logs.processors),
            (&["traces"], now.traces != then.traces),
            (&["resource"], now.resource != then.resource),
        ];
        let (keys, _) = changes.iter().find(|(_, changes)| *changes)?;
        let message = "it cannot change while the collector runs: restart it";
        let at = config.validated.telemetry.as_ref().or(self.config.validated.telemetry.as_ref());
        let problem = at.map(|section| section.problem_at(keys, message).to_string());
        Some(problem.unwrap_or_else(|| format!("service.telemetry.{}: {message}", keys.join("."))))
    }

    async fn beside(&self, config: Configuration) -> anyhow::Result<Built> {
        claims::begin_configuration();
        self.endpoints.keep(&config)?;
        let factories = self.factories.next(&config.validated)?;
        let graph = self.running.beside(&config.validated, &factories, &self.shown.metrics).await;
        let graph = graph.map_err(|error| placed(&config.validated, error))?;
        factories.load_modules(&config.validated).await?;
        let endpoints = self.endpoints.beside(&config, factories.auth(), &self.shown).await?;
        Ok(Built { config, factories, graph, endpoints })
    }

    /// Puts what was built in force, or says why it is not.
    pub(super) fn finish(&mut self, why: &Why, attempt: Attempt) {
        let Attempt { watch, was_read, outcome } = attempt;
        if let Some(watch) = watch.filter(|_| self.settings.watches) {
            self.watch.go_over(watch, was_read);
        }
        match &outcome {
            Outcome::NoNews => {}
            Outcome::InForce | Outcome::Built(_) => self.was_refused = false,
            Outcome::Refused(_) => self.was_refused = true,
        }
        match outcome {
            Outcome::NoNews => {}
            Outcome::Built(built) => {
                told_why(why);
                self.take_over(*built);
            }
            Outcome::InForce => {
                told_why(why);
                self.reloads.succeed(&self.config.hash);
                tracing::info!(hash = self.config.hash, "the configuration is the one in force: nothing changes");
            }
            Outcome::Refused(problems) => {
                told_why(why);
                self.reloads.fail();
                for problem in problems {
                    tracing::error!("configuration refused: {problem}");
                }
                tracing::error!(hash = self.config.hash, "the configuration before it stays in force");
            }
        }
    }

    fn take_over(&mut self, built: Built) {
        let Built { config, factories, graph, endpoints } = built;
        let (changes, retired) = self.running.take_over(graph);
        self.endpoints.take_over(endpoints);
        factories.in_force();
        self.log.set_level(config.telemetry.logs.level);
        self.shown.in_force.store(factories.shown(&config.validated).into());
        let before = std::mem::replace(&mut self.factories, factories);
        let is_shared = std::sync::Arc::ptr_eq(before.sandbox(), self.factories.sandbox());
        let sandbox = (!is_shared).then(|| std::sync::Arc::clone(before.sandbox()));
        self.reloads.succeed(&config.hash);
        tracing::info!(hash = config.hash, %changes, "configuration taken over");
        config.tell_warnings();
        self.config = config;
        self.retiring.retain(|task| !task.is_finished());
        if !retired.is_empty() || sandbox.is_some() {
            self.retiring.push(retire(retired, sandbox, self.settings.drain_timeout));
        }
    }
}

fn told_why(why: &Why) {
    match why {
        Why::Signal => tracing::info!("SIGHUP: reading the configuration"),
        Why::Changed(path) => tracing::info!(path = %path.display(), "a file of the configuration changed"),
    }
}
