//! Loading is one processor's way to its next generation: fetch, load, swap; at start once, then whenever a file changes.
//!
//! What was pushed is swapped to when all processors of the module have got it ready: see [`crate::meeting`].

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use host_component::Shutdown;
use host_config::watched::POLL;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::config::Limits;
use crate::generation::{Generation, Identity};
use crate::guest::Guest;
use crate::loader::{Again, LoadError, Loader, Request};
use crate::meeting::{Say, Standing, Verdict};
use crate::shelf::{Edition, Member};
use crate::source::{Fetched, Source, SourceError};
use crate::voice::one_line;

/// What a refusal says of a module may be the module's own words: more of them are cut.
const REASON_BYTES: usize = 2048;
/// How long a file may go on changing before that is told.
const SETTLING: Duration = Duration::from_secs(10);
/// A load that takes longer is given up when there is something newer to load.
const OUTDATED: Duration = Duration::from_secs(5);
/// Where the host lacked something, loading is tried again after so long, and twice that each time.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long what is ready waits for other processors of the module that do not say anything, since the host lacks
/// something: longer than compiling may take, as that is by default.
const PATIENCE: Duration = Duration::from_secs(600);

/// A processor and where its module comes from.
pub(crate) struct Loading {
    guest: Arc<Guest>,
    source: Arc<Mutex<Source>>,
    limits: Limits,
    /// The processor that has this place in the configuration in force, until there is something of one's own.
    before: Weak<Guest>,
    /// What failed last and would fail again, and why.
    hopeless: Option<(Identity, String)>,
    /// What was pushed and looked at last.
    taken: Option<Taken>,
    /// Told of what is new; none where one has to look.
    changes: Option<watch::Receiver<()>>,
    /// By what it has a say in what is taken up of what is pushed.
    member: Option<Member>,
    /// Whether the host lacked something when it was loaded last, so that it is to be tried again soon.
    lacked: bool,
}

/// What was pushed and looked at.
struct Taken {
    edition: Arc<Edition>,
    identity: Identity,
    /// Told of what the processors of the module come to.
    verdicts: watch::Receiver<Verdict>,
    /// What they had come to when it was looked at.
    verdict: Verdict,
    /// Until when it waits for the others; none where it does not.
    until: Option<Instant>,
    /// What it then swaps to; none where that runs already.
    ready: Option<Arc<Generation>>,
}

impl Loading {
    pub(crate) fn new(
        guest: Arc<Guest>,
        source: Source,
        limits: Limits,
        before: Weak<Guest>,
        member: Option<Member>,
    ) -> Self {
        let mut changes = source.changes();
        // What is there already was not looked at.
        changes.iter_mut().for_each(watch::Receiver::mark_changed);
        let source = Arc::new(Mutex::new(source));
        Loading { guest, source, limits, before, hopeless: None, taken: None, changes, member, lacked: false }
    }

    pub(crate) fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Whether the collector may start though there is no module. Where one runs already, it does not make way for none.
    pub(crate) fn may_start_without(&self) -> bool {
        self.before.upgrade().is_none() && self.guest.starts_without()
    }

    /// Loads what is there now, unless it runs already or has just failed. What was pushed does not run yet behind that,
    /// where other processors of the module are not ready.
    pub(crate) async fn load(&mut self, loader: &Loader) -> Result<(), LoadError> {
        let fetched = self.fetch(loader).await;
        // What all were ready for before something newer came is taken up before that.
        self.settle();
        let loaded = match fetched {
            Ok(request) => self.look_at(loader, request).await,
            Err(error) => {
                self.cannot_fetch(&error);
                Err(error)
            }
        };
        self.settle();
        let goes_on = self.go_on_without(loader).await;
        let is_lacking =
            |tried: &Result<(), LoadError>| tried.as_ref().is_err_and(|error| error.again() == Again::Soon);
        self.lacked = is_lacking(&loaded) || is_lacking(&goes_on);
        loaded.and(goes_on)
    }

    async fn look_at(&mut self, loader: &Loader, request: Request) -> Result<(), LoadError> {
        if self.taken.as_ref().is_some_and(|taken| taken.waits_for(request.edition.as_ref())) && !self.is_called() {
            return Ok(());
        }
        let identity = request.identity.clone();
        let taken = request.edition.clone().map(|edition| Taken::new(edition, identity.clone()));
        // Where the same is looked at again, what is ready of it is found.
        let _ready = std::mem::replace(&mut self.taken, taken);
        if let Some((_, reason)) = self.hopeless.as_ref().filter(|(hopeless, _)| *hopeless == identity) {
            self.say(Say::Stands(Standing::Refused(reason.clone())));
            return Ok(());
        }
        if self.guest.has_given_up(&identity) {
            self.tell_given_up();
            return Ok(());
        }
        if self.guest.running().as_ref() == Some(&identity) {
            self.is_ready(None);
            return Ok(());
        }
        let got = self.get_ready(loader, request).await;
        self.hopeless = match &got {
            Err(error) if error.again() == Again::Never => Some((identity.clone(), told(error))),
            _ => None,
        };
        if let Err(error) = &got {
            self.refused(&identity.digest.short(), error);
            if error.again() != Again::Soon {
                self.say(Say::Stands(Standing::Refused(told(error))));
            }
        }
        got
    }

    /// Gets what was pushed ready to be swapped to, and swaps to what was not.
    async fn get_ready(&mut self, loader: &Loader, request: Request) -> Result<(), LoadError> {
        if let Some(before) = self.before.upgrade()
            && self.guest.goes_on_from(&before, &request.identity)?
        {
            self.before = Weak::new();
            match self.guest.running().as_ref() == Some(&request.identity) {
                true => self.is_ready(None),
                false => self.tell_given_up(),
            }
            return Ok(());
        }
        let generation = loader.load(request).await?;
        if self.taken.is_some() {
            self.guest.fits(&generation)?;
            self.is_ready(Some(generation));
            return Ok(());
        }
        self.before = Weak::new();
        self.guest.swap(generation, None)
    }

    /// What was pushed may run here; nothing is ready of it where it does so already.
    fn is_ready(&mut self, ready: Option<Arc<Generation>>) {
        if let Some(taken) = &mut self.taken {
            (taken.ready, taken.until) = (ready, Some(Instant::now() + PATIENCE));
            self.say(Say::Ready);
        }
    }

    /// Does what the processors of the module have come to, where this one waits for that.
    pub(crate) fn settle(&mut self) {
        let Some(taken) = self.taken.as_mut().filter(|taken| taken.until.is_some()) else { return };
        match taken.edition.verdict() {
            Verdict::Open { .. } => {}
            Verdict::Superseded => (taken.ready, taken.until) = (None, None),
            Verdict::Refused { .. } => {
                (taken.ready, taken.until) = (None, None);
                tracing::warn!(
                    processor = %self.guest.id, pipeline = %self.guest.pipeline, module = self.guest.module,
                    head = self.guest.head, revision = taken.edition.revision,
                    "module not taken up: another processor of it refuses it"
                );
            }
            Verdict::Agreed => {
                taken.until = None;
                let (edition, ready) = (Arc::clone(&taken.edition), taken.ready.take());
                let swapped = match ready {
                    Some(generation) => self.guest.swap(generation, Some(edition)),
                    None if self.guest.running().as_ref() == Some(&taken.identity) => {
                        self.guest.runs_as(&edition);
                        Ok(())
                    }
                    // It was given up meanwhile.
                    None => return self.tell_given_up(),
                };
                match swapped {
                    Ok(()) => {
                        self.before = Weak::new();
                        self.say(Say::Stands(Standing::Live));
                    }
                    Err(error) => {
                        self.refused("", &error);
                        self.say(Say::Stands(Standing::Refused(told(&error))));
                    }
                }
            }
        }
    }

    /// What was pushed is not taken up, or not yet: what runs at this place in the configuration in force runs on here, or
    /// else what is in force of the module.
    async fn go_on_without(&mut self, loader: &Loader) -> Result<(), LoadError> {
        if self.member.is_none() || self.guest.running().is_some() {
            return Ok(());
        }
        if let Some(before) = self.before.upgrade() {
            if let Err(error) = self.guest.runs_what_ran(&before) {
                tracing::warn!(processor = %self.guest.id, pipeline = %self.guest.pipeline, %error, "what ran before cannot run on here");
            }
            if self.guest.running().is_some() {
                return Ok(());
            }
        }
        let (source, request) = (Arc::clone(&self.source), self.requesting());
        let fetch = move || {
            let fetched = source.lock().unwrap_or_else(PoisonError::into_inner).fetch_in_force()?;
            Some(fetched.map(request))
        };
        let Some(fetched) = spawn_blocking(fetch).await? else { return Ok(()) };
        let loaded = async {
            let request = fetched?;
            let edition = request.edition.clone();
            self.guest.swap(loader.load(request).await?, edition)
        };
        loaded.await.inspect_err(|error| self.refused("", error))
    }

    /// The others are not to wait for it, unless it is tried again soon.
    fn cannot_fetch(&self, error: &LoadError) {
        let edition = self.source.lock().unwrap_or_else(PoisonError::into_inner).taken();
        if let (Some(edition), Some(member)) = (edition, &self.member)
            && !edition.is_in_force()
            && error.again() != Again::Soon
        {
            member.say(&edition, Say::Stands(Standing::Refused(told(error))));
        }
    }

    /// Whether something was pushed and nothing runs, though that may be no fault of it.
    fn waits_for_host(&self) -> bool {
        let is_due = self.taken.as_ref().is_some_and(|taken| taken.until.is_none());
        is_due && self.guest.running().is_none() && self.hopeless.is_none()
    }

    /// Whether all are to look once more at what was pushed.
    fn is_called(&self) -> bool {
        let is_called = |taken: &Taken| match (taken.edition.verdict(), taken.verdict) {
            (Verdict::Open { round }, Verdict::Open { round: before } | Verdict::Refused { round: before }) => {
                round != before
            }
            _ => false,
        };
        self.taken.as_ref().is_some_and(is_called)
    }

    /// Says what has become of what was pushed, where it was.
    fn say(&self, said: Say) {
        if let (Some(taken), Some(member)) = (&self.taken, &self.member) {
            member.say(&taken.edition, said);
        }
    }

    /// Says so where what was pushed was given up since.
    fn tell_given_up(&mut self) {
        if self.taken.as_ref().is_some_and(|taken| self.guest.has_given_up(&taken.identity)) {
            let reason = self.guest.refused_last().map(|refused| refused.reason).unwrap_or_default();
            self.say(Say::Stands(Standing::RolledBack(reason)));
            self.taken = None;
        }
    }

    /// Waits for the others no longer than it may.
    fn tire(&mut self) {
        let now = Instant::now();
        if let (Some(taken), Some(member)) = (&mut self.taken, &self.member)
            && taken.until.is_some_and(|until| until <= now)
        {
            taken.until = Some(now + PATIENCE);
            member.tire_of(&taken.edition, PATIENCE);
        }
    }

    /// Waits for something that may be new, or to be done again.
    async fn pause(&mut self, retry: &Retry) {
        let Some(changes) = &mut self.changes else { return sleep(POLL).await };
        let verdict = async {
            match &mut self.taken {
                Some(taken) => taken.verdict().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The shelf is there as long as its source is.
            _ = changes.changed() => {}
            () = verdict => {}
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
            if self.lacked || self.waits_for_host() {
                retry.plan();
            }
            loop {
                self.pause(&retry).await;
                if self.is_orphan() || self.is_gone() {
                    return;
                }
                self.tell_given_up();
                self.tire();
                self.settle();
                if !has_changed(&self.source).await && !retry.is_due() && !self.is_called() {
                    continue;
                }
                // The reason was logged and counted.
                match self.load_newest(&loader).await {
                    _ if self.lacked => retry.plan(),
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
            let request = self.requesting();
            let fetched = spawn_blocking(move || {
                let fetched = source.lock().unwrap_or_else(PoisonError::into_inner).fetch(limit)?;
                Ok(request(fetched))
            })
            .await?;
            match fetched {
                Err(SourceError::Changing { .. }) if Instant::now() < end => sleep(POLL).await,
                fetched => return fetched.map_err(LoadError::from).inspect_err(|error| self.refused("", error)),
            }
        }
    }

    /// What is to be loaded of what was fetched.
    fn requesting(&self) -> impl FnOnce(Fetched) -> Request + Send + 'static {
        let (name, signal, limits) = (self.guest.module.clone(), self.guest.pipeline.signal(), self.limits.clone());
        move |fetched| Request::new(name, signal, limits, fetched)
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

impl Taken {
    fn new(edition: Arc<Edition>, identity: Identity) -> Taken {
        let mut verdicts = edition.hear();
        let verdict = *verdicts.borrow_and_update();
        Taken { edition, identity, verdicts, verdict, until: None, ready: None }
    }

    /// Whether it is this, and ready.
    fn waits_for(&self, edition: Option<&Arc<Edition>>) -> bool {
        self.until.is_some() && edition.is_some_and(|edition| Arc::ptr_eq(edition, &self.edition))
    }

    /// Returns when the processors of the module have come to something, or have taken too long for that.
    async fn verdict(&mut self) {
        let patience = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Whoever tells is a part of the edition.
            _ = self.verdicts.changed() => {}
            () = patience => {}
        }
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
