//! Loading is one processor's way to its next generation: fetch, load, swap; at start once, then whenever a file changes.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use host_component::Shutdown;
use host_config::watched::POLL;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::config::Limits;
use crate::generation::Identity;
use crate::guest::Guest;
use crate::loader::{Again, LoadError, Loader, Request};
use crate::shelf::{Edition, Standing};
use crate::source::{Source, SourceError};
use crate::voice::one_line;

/// What a refusal says of a module may be the module's own words: more of them are cut.
const REASON_BYTES: usize = 2048;
/// How long a file may go on changing before that is told.
const SETTLING: Duration = Duration::from_secs(10);
/// A load that takes longer is given up when there is something newer to load.
const OUTDATED: Duration = Duration::from_secs(5);
/// Where the host lacked something, loading is tried again after so long, and twice that each time.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A processor and where its module comes from.
pub(crate) struct Loading {
    guest: Arc<Guest>,
    source: Arc<Mutex<Source>>,
    limits: Limits,
    /// The processor that has this place in the configuration in force, until there is something of one's own.
    before: Weak<Guest>,
    /// What failed last and would fail again, and why.
    hopeless: Option<(Identity, String)>,
    /// What was pushed and looked at last, and as what.
    pushed: Option<(Arc<Edition>, Identity)>,
    /// Told of what is new; none where one has to look.
    changes: Option<watch::Receiver<()>>,
}

impl Loading {
    pub(crate) fn new(guest: Arc<Guest>, source: Source, limits: Limits, before: Weak<Guest>) -> Self {
        let mut changes = source.changes();
        // What is there already was not looked at.
        changes.iter_mut().for_each(watch::Receiver::mark_changed);
        let source = Arc::new(Mutex::new(source));
        Loading { guest, source, limits, before, hopeless: None, pushed: None, changes }
    }

    pub(crate) fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Whether the collector may start though there is no module. Where one runs already, it does not make way for none.
    pub(crate) fn may_start_without(&self) -> bool {
        self.before.upgrade().is_none() && self.guest.starts_without()
    }

    /// Loads what is there now, unless it runs already or has just failed.
    pub(crate) async fn load(&mut self, loader: &Loader) -> Result<(), LoadError> {
        let request = match self.fetch(loader).await {
            Ok(request) => request,
            Err(error) => {
                self.go_on_without();
                return Err(error);
            }
        };
        let identity = request.identity.clone();
        self.pushed = request.edition.clone().map(|edition| (edition, identity.clone()));
        let runs = self.guest.running().as_ref() == Some(&identity);
        if let (true, Some((edition, _))) = (runs, &self.pushed) {
            self.guest.runs_as(edition);
            self.tell(|| Standing::Live);
        }
        if let Some((_, reason)) = self.hopeless.as_ref().filter(|(hopeless, _)| *hopeless == identity) {
            self.tell(|| Standing::Refused(reason.clone()));
            return Ok(());
        }
        if runs || self.guest.has_given_up(&identity) {
            self.tell_given_up();
            return Ok(());
        }
        let swapped = self.take_up(loader, request).await;
        self.hopeless = match &swapped {
            Err(error) if error.again() == Again::Never => Some((identity.clone(), told(error))),
            _ => None,
        };
        match &swapped {
            Ok(()) if self.guest.running().as_ref() == Some(&identity) => {
                if let Some((edition, _)) = &self.pushed {
                    self.guest.runs_as(edition);
                }
                self.tell(|| Standing::Live);
            }
            Ok(()) => {}
            Err(error) => {
                self.refused(&identity.digest.short(), error);
                if error.again() != Again::Soon {
                    self.tell(|| Standing::Refused(told(error)));
                }
                self.go_on_without();
            }
        }
        swapped
    }

    /// What was pushed is not taken up: what runs at this place in the configuration in force runs on here.
    fn go_on_without(&mut self) {
        if self.changes.is_none() || self.guest.running().is_some() {
            return;
        }
        let Some(before) = self.before.upgrade() else { return };
        if let Err(error) = self.guest.runs_what_ran(&before) {
            tracing::warn!(processor = %self.guest.id, pipeline = %self.guest.pipeline, %error, "what ran before cannot run on here");
        }
    }

    /// Whether something was pushed and nothing runs, though that may be no fault of it.
    fn waits_for_host(&self) -> bool {
        self.pushed.is_some() && self.guest.running().is_none() && self.hopeless.is_none()
    }

    /// Says what has become of what was pushed, where it was.
    fn tell(&self, standing: impl FnOnce() -> Standing) {
        if let Some((edition, _)) = &self.pushed {
            edition.tell(format!("{} in {}", self.guest.id, self.guest.pipeline), standing());
        }
    }

    /// Says so where what was pushed was given up since.
    fn tell_given_up(&mut self) {
        if self.pushed.as_ref().is_some_and(|(_, identity)| self.guest.has_given_up(identity)) {
            let reason = self.guest.refused_last().map(|refused| refused.reason).unwrap_or_default();
            self.tell(|| Standing::RolledBack(reason));
            self.pushed = None;
        }
    }

    async fn take_up(&mut self, loader: &Loader, request: Request) -> Result<(), LoadError> {
        if let Some(before) = self.before.upgrade()
            && self.guest.goes_on_from(&before, &request.identity)?
        {
            self.before = Weak::new();
            return Ok(());
        }
        let edition = request.edition.clone();
        let generation = loader.load(request).await?;
        self.before = Weak::new();
        self.guest.swap(generation, edition)
    }

    /// Waits for something that may be new, or to be done again.
    async fn pause(&mut self, retry: &Retry) {
        let Some(changes) = &mut self.changes else { return sleep(POLL).await };
        tokio::select! {
            // The shelf is there as long as its source is.
            _ = changes.changed() => {}
            () = self.guest.gave_up() => {}
            () = retry.due() => {}
        }
    }

    /// Whether the processor is gone: it was of a configuration that was replaced, or never came into force.
    pub(crate) fn is_orphan(&self) -> bool {
        Arc::strong_count(&self.guest) == 1
    }

    /// Whether what it was to load was pushed, and is not there any more.
    fn is_gone(&self) -> bool {
        self.changes.is_some() && self.source.lock().unwrap_or_else(PoisonError::into_inner).is_gone()
    }

    /// Looks for changes until the end, or that of the processor. What fails leaves everything as it was, and is looked at
    /// again when the files change, or soon where the host was at fault.
    pub(crate) async fn watch(mut self, loader: Arc<Loader>, mut shutdown: Shutdown) {
        let work = async {
            let mut retry = Retry::default();
            // What others push is there while nothing of it runs: the host may have lacked something.
            if self.waits_for_host() {
                retry.plan();
            }
            loop {
                self.pause(&retry).await;
                if self.is_orphan() || self.is_gone() {
                    return;
                }
                self.tell_given_up();
                if !has_changed(&self.source).await && !retry.is_due() {
                    continue;
                }
                // The reason was logged and counted.
                match self.load_newest(&loader).await {
                    Err(error) if error.again() == Again::Soon => retry.plan(),
                    Err(error) if error.again() == Again::WhenTouched && self.waits_for_host() => retry.plan(),
                    _ => retry = Retry::default(),
                }
            }
        };
        tokio::select! {
            () = shutdown.wait() => {}
            () = work => {}
        }
    }

    /// Loads, and starts over where that takes long and something newer is there.
    async fn load_newest(&mut self, loader: &Loader) -> Result<(), LoadError> {
        loop {
            let source = Arc::clone(&self.source);
            let outdated = async move {
                sleep(OUTDATED).await;
                while !has_changed(&source).await {
                    sleep(POLL).await;
                }
            };
            tokio::select! {
                loaded = self.load(loader) => return loaded,
                () = outdated => {}
            }
        }
    }

    async fn fetch(&self, loader: &Loader) -> Result<Request, LoadError> {
        let end = Instant::now() + SETTLING;
        loop {
            let (source, limit) = (Arc::clone(&self.source), loader.component_limit());
            let (name, signal) = (self.guest.module.clone(), self.guest.pipeline.signal());
            let limits = self.limits.clone();
            let fetched = spawn_blocking(move || {
                let fetched = source.lock().unwrap_or_else(PoisonError::into_inner).fetch(limit)?;
                Ok(Request::new(name, signal, limits, fetched))
            })
            .await?;
            match fetched {
                Err(SourceError::Changing { .. }) if Instant::now() < end => sleep(POLL).await,
                fetched => return fetched.map_err(LoadError::from).inspect_err(|error| self.refused("", error)),
            }
        }
    }

    fn refused(&self, digest: &str, reason: &LoadError) {
        self.guest.meters.load_failures.inc();
        if let Some(limit) = reason.limit() {
            self.guest.meters.hit(limit);
        }
        let running = self.guest.running().map(|identity| identity.to_string());
        let reason = told(reason);
        tracing::warn!(
            processor = %self.guest.id, pipeline = %self.guest.pipeline, module = self.guest.module, digest, %reason,
            running, "module refused"
        );
        self.guest.refuses(digest.to_owned(), reason);
    }
}

/// Why something was not loaded, on a line.
fn told(error: &LoadError) -> String {
    one_line(&error.to_string(), REASON_BYTES)
}

async fn has_changed(source: &Arc<Mutex<Source>>) -> bool {
    if let Some(has_changed) = source.lock().unwrap_or_else(PoisonError::into_inner).has_changed_on_shelf() {
        return has_changed;
    }
    let source = Arc::clone(source);
    let looked = spawn_blocking(move || source.lock().unwrap_or_else(PoisonError::into_inner).has_changed());
    looked.await.unwrap_or(false)
}

/// When loading is tried again with nothing changed.
#[derive(Default)]
struct Retry {
    after: Option<Duration>,
    at: Option<Instant>,
}

impl Retry {
    fn plan(&mut self) {
        let (first, last) = BACKOFF;
        let after = self.after.map_or(first, |after| (after * 2).min(last));
        (self.after, self.at) = (Some(after), Some(Instant::now() + after));
    }

    /// Returns when it is due, if ever.
    async fn due(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn is_due(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }
}
