//! The follower of one host: it hears of heads, takes what they say as far as it may, and puts it on the shelf.
//!
//! The watch tells names and versions alone; heads are asked for one by one, and only those of modules that a processor is of. What
//! was taken is on disk before it is on the shelf, so that it is there again when this process starts and the API server is gone.

pub(crate) mod changes;
mod meters;
mod taking;
mod telling;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host_component::Shutdown;
use host_config::Wrong;
use host_kubernetes::{Api, Pauses, Scope, Server, missing_rule};
use host_manifest::Manifest;
use host_telemetry::Metrics;
use host_wasm::{Edition, Pushed, Sandbox, Standing};
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::time::{Instant, sleep};

use self::changes::{Changes, Told};
use self::meters::Meters;
use self::telling::Refusal;
use crate::config::{ModulesSection, OnDelete};
use crate::head::{NotTaken, Rejected, Trust};
use crate::objects::{MODULE, Signed};
use crate::report::Reporter;
use crate::store::{Kept, Record, Store};

/// How often it looks at what has become of what was taken.
const TICK: Duration = Duration::from_millis(250);
/// When something is tried again that could not be taken.
const AGAIN: Duration = Duration::from_secs(5);

/// Why modules cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("modules.kubernetes.storage: {path} cannot be used: {error}")]
    Storage { path: PathBuf, error: io::Error },
    #[error("modules.{}: {}", .0.key, .0.message)]
    Wrong(Wrong),
}

/// Follows the modules that are pushed to one namespace.
pub struct Follower {
    server: Server,
    namespace: Option<String>,
    store: Store,
    trust: Trust,
    sandbox: Arc<Sandbox>,
    on_delete: OnDelete,
    component_limit: u64,
    heads: BTreeMap<Key, Head>,
    /// Whether all that there are were told once: until then nobody knows which are not there.
    has_listed: bool,
    meters: Meters,
    reporter: Reporter,
    api: Option<Api>,
}

/// The name of a head, and the module that it is of: a head that is made to be of another one is not there any more for that which
/// it was of.
type Key = (String, String);

/// What is known of a head.
#[derive(Default)]
struct Head {
    record: Record,
    /// Whether the API server has it, as far as is known.
    is_there: bool,
    created: String,
    uid: Option<String>,
    /// What is on the shelf of it, and the manifest that says so.
    edition: Option<Arc<Edition>>,
    taken: Option<Kept>,
    /// The digest of the manifest that was looked at last.
    looked_at: String,
    standing: Option<Standing>,
    /// Whether a processor runs it.
    runs: bool,
    /// Since when it is live, where it is.
    live: Option<Instant>,
    /// Why the newest was not taken, or came to nothing.
    refusal: Option<Refusal>,
    again: Option<Instant>,
}

impl Follower {
    /// Opens what is on disk and puts what was good last on the shelf; none where the section follows nothing. `base` is the folder
    /// that relative paths start from.
    ///
    /// # Errors
    /// When the folder or a key cannot be used.
    pub fn start(
        section: &ModulesSection,
        base: &Path,
        sandbox: &Arc<Sandbox>,
        metrics: &Metrics,
    ) -> Result<Option<Follower>, StartError> {
        let Some(config) = &section.kubernetes else { return Ok(None) };
        let path = base.join(&config.storage);
        let failed = |error| StartError::Storage { path: path.clone(), error };
        let store = Store::open(&path).map_err(failed)?;
        let records = store.records().map_err(failed)?;
        let keys = section.trust.read(base).map_err(StartError::Wrong)?;
        let mut follower = Follower {
            server: config.server(),
            namespace: config.namespace.clone(),
            store,
            trust: Trust { keys, is_required: section.trust.is_required() },
            sandbox: Arc::clone(sandbox),
            on_delete: config.on_delete,
            component_limit: u64::from(section.limits.component_mib) << 20,
            heads: BTreeMap::new(),
            has_listed: false,
            meters: Meters::new(metrics),
            reporter: Reporter::new(config.pod.clone()),
            api: None,
        };
        for record in records {
            follower.restore(record);
        }
        Ok(Some(follower))
    }

    /// What was good last, or was taken last where nothing was, runs until something else is taken.
    fn restore(&mut self, record: Record) {
        let kept = record.good.clone().or_else(|| record.newest.clone());
        let mut head = Head { record, ..Head::default() };
        if let Some(kept) = kept {
            let signed = Signed::from(kept.clone());
            head.looked_at = kept.digest();
            let is_good = head.record.good.as_ref() == Some(&kept);
            let read = self.trust.read(&head.record.head, &head.record.module, &signed);
            let withheld = read.as_ref().err().map(ToString::to_string);
            // What was live keeps its clusters, though it does not run any more: wider rules are not theirs.
            let manifest = read.ok().or_else(|| kept.manifest().filter(|_| is_good));
            let made = manifest.map(|manifest| (self.edition(&manifest, is_good, withheld.clone()), manifest));
            match made {
                Some((Ok(edition), manifest)) if withheld.is_none() && self.store.has(manifest.component.digest) => {
                    tracing::info!(
                        head = head.record.head,
                        module = manifest.name,
                        revision = manifest.revision,
                        "a pushed module is there from before"
                    );
                    self.sandbox.shelf().put(Arc::clone(&edition));
                    (head.edition, head.taken) = (Some(edition), Some(kept));
                }
                Some((Ok(edition), manifest)) => {
                    match withheld {
                        Some(error) => {
                            tracing::warn!(
                                head = head.record.head,
                                error,
                                "a pushed module that is on disk is not taken any more"
                            );
                        }
                        None => {
                            tracing::warn!(head = head.record.head, digest = %manifest.component.digest, "the component of a pushed module is not on disk any more, or is damaged: it is fetched again");
                        }
                    }
                    if is_good {
                        self.sandbox.shelf().put(Arc::clone(&edition));
                        (head.edition, head.taken) = (Some(edition), Some(kept));
                    }
                }
                Some((Err(error), _)) => {
                    tracing::warn!(head = head.record.head, %error, "a pushed module that is on disk is not taken any more");
                }
                None => {
                    tracing::warn!(
                        head = head.record.head,
                        error = withheld,
                        "a pushed module that is on disk is not taken any more"
                    );
                }
            }
        }
        self.heads.insert(head.key(), head);
    }

    /// What a manifest comes to on this host; `is_good` where it was live here before.
    fn edition(&self, manifest: &Manifest, is_good: bool, withheld: Option<String>) -> Result<Arc<Edition>, Rejected> {
        Ok(Arc::new(Edition::new(Pushed {
            head: manifest.head.clone(),
            module: manifest.name.clone(),
            revision: manifest.revision,
            digest: manifest.component.digest,
            component: self.store.component(manifest.component.digest),
            config: host_manifest::canonical(&manifest.config),
            grants: manifest.grants.clone(),
            clusters: taking::clusters(manifest)?,
            is_good,
            withheld,
        })))
    }

    /// Follows until the end.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let changes = Changes::default();
        let watching = watch(self.server.clone(), self.namespace.clone(), &changes, self.meters.clone());
        let working = async {
            let mut wanted = self.sandbox.shelf().wanted();
            loop {
                tokio::select! {
                    () = changes.came() => {}
                    Ok(()) = wanted.changed() => {}
                    () = sleep(TICK) => {}
                }
                let now_wanted = wanted.borrow_and_update().clone();
                self.hear(&changes);
                let due = |head: &Head| head.again.is_some_and(|at| at <= Instant::now());
                let is_wanted = |head: &Head| now_wanted.contains(&head.record.module);
                let is_next = |head: &&Head| head.is_there && due(head) && is_wanted(head);
                let order = |head: &Head| (head.created.clone(), head.key());
                let mut heads: Vec<_> = self.heads.values().filter(is_next).map(order).collect();
                // Of two that tie the one that was made first is taken, on each host.
                heads.sort_unstable();
                for (_, key) in heads {
                    self.attend(&key).await;
                    // What is good is kept, however long others take.
                    self.settle().await;
                }
                self.settle().await;
                self.report().await;
            }
        };
        tokio::select! {
            () = shutdown.wait() => {}
            () = watching => {}
            () = working => {}
        }
    }

    /// Notes which heads there are now, and which have changed.
    fn hear(&mut self, changes: &Changes) {
        let (changed, gone) = changes.take();
        for (name, Told { module, created }) in changed {
            let is_of_another = |key: &&Key| key.0 == name && key.1 != module;
            for key in self.heads.keys().filter(is_of_another).cloned().collect::<Vec<_>>() {
                self.lose(&key);
            }
            let head = self.heads.entry((name.clone(), module.clone())).or_default();
            (head.record.head, head.record.module, head.created) = (name, module, created);
            (head.is_there, head.again) = (true, Some(Instant::now()));
        }
        self.has_listed |= gone.is_err();
        let is_gone = |key: &&Key| match &gone {
            Ok(gone) => gone.contains(&key.0),
            Err(are_there) => !are_there.contains(&key.0),
        };
        for key in self.heads.keys().filter(is_gone).cloned().collect::<Vec<_>>() {
            self.lose(&key);
        }
    }

    /// A head was deleted, or is of another module now.
    fn lose(&mut self, key: &Key) {
        let Some(head) = self.heads.get_mut(key) else { return };
        let was_there = std::mem::replace(&mut head.is_there, false);
        let (name, module) = key;
        if head.edition.is_none() {
            // What was refused is gone.
            head.refusal = None;
        }
        match self.on_delete {
            // Nothing is lost with it.
            _ if head.edition.is_none() && head.record.seen == 0 => drop(self.heads.remove(key)),
            OnDelete::Keep if was_there && head.edition.is_some() => {
                tracing::warn!(
                    head = name,
                    module,
                    "the head of a pushed module was deleted: the module runs on, as on_delete says"
                );
            }
            OnDelete::Refuse if head.edition.is_some() => {
                tracing::warn!(
                    head = name,
                    module,
                    "the head of a pushed module was deleted: the module is unloaded, as on_delete says"
                );
                self.unload(key);
            }
            _ => {}
        }
    }

    /// What a head has said is not there any more.
    fn unload(&mut self, key: &Key) {
        let Some(head) = self.heads.get_mut(key) else { return };
        let name = &key.0;
        let Record { good, before, newest, .. } = &mut head.record;
        (*good, *before, *newest, head.taken, head.standing) = (None, None, None, None, None);
        (head.refusal, head.live, head.runs) = (None, None, false);
        self.meters.runs(&key.1, name, 0);
        if let Some(edition) = head.edition.take() {
            self.sandbox.shelf().clear(&edition);
        }
        if let Err(error) = self.store.write(&head.record) {
            tracing::error!(head = name, %error, "it cannot be kept that a pushed module is gone: it would be there again after a restart");
        }
    }

    async fn attend(&mut self, key: &Key) {
        let taken = self.take(key).await;
        let Some(head) = self.heads.get_mut(key) else { return };
        let name = &key.0;
        head.again = None;
        let later = || Some(Instant::now() + AGAIN.mul_f64(0.5 + fastrand::f64()));
        match taken {
            // What the sandbox said of it holds until it says something else.
            Ok(()) => head.refusal = head.refusal.take().filter(|refusal| refusal.rejected.is_of_sandbox()),
            Err((_, NotTaken::Api(error))) => {
                head.again = later();
                self.api = None;
                self.meters.failures.inc();
                tracing::warn!(head = name, %error, "a pushed module cannot be fetched: it is tried again");
            }
            Err((_, error @ NotTaken::Storage { .. })) => {
                head.again = later();
                self.meters.failures.inc();
                tracing::error!(head = name, %error, "a pushed module cannot be taken: it is tried again");
            }
            Err((digest, NotTaken::Rejected(rejected))) => {
                head.again = rejected.may_pass().then(later).flatten();
                let manifest = head.looked_at.clone();
                self.reject(key, Refusal { digest, manifest, rejected }).await;
            }
        }
    }

    /// Looks at what has become of what is on the shelf: what is live is what is good.
    async fn settle(&mut self) {
        let mut complaints = Vec::new();
        let (mut is_good, mut live) = (false, Vec::new());
        for (key, head) in &mut self.heads {
            let name = &key.0;
            let Some(edition) = &head.edition else { continue };
            let processors = self.sandbox.processors_of(&edition.module);
            let shelf = self.sandbox.shelf();
            let (standing, runs) = (shelf.standing(edition), shelf.runs(edition));
            // What nobody runs is not known to be good.
            if (&standing, runs) == (&head.standing, head.runs) || processors == 0 {
                continue;
            }
            head.standing.clone_from(&standing);
            head.runs = runs;
            // That one processor refuses it which came later does not keep it from running in the others.
            if runs {
                self.meters.runs(&edition.module, name, edition.revision);
            }
            let refused = |rejected| Refusal {
                digest: edition.digest.to_string(),
                manifest: head.taken.as_ref().map(Kept::digest).unwrap_or_default(),
                rejected,
            };
            match standing {
                Some(Standing::Live) => {
                    head.live = Some(Instant::now());
                    // Of what was looked at after it this says nothing.
                    let is_of_it =
                        |refusal: &Refusal| head.taken.as_ref().is_none_or(|taken| taken.digest() == refusal.manifest);
                    head.refusal = head.refusal.take().filter(|refusal| !is_of_it(refusal));
                    live.push(Arc::clone(edition));
                    if head.record.proves(head.taken.as_ref()) {
                        is_good = true;
                        if let Err(error) = self.store.write(&head.record) {
                            tracing::error!(head = name, %error, "it cannot be kept that a pushed module is good: the one before it would run after a restart");
                        }
                    }
                }
                Some(Standing::Refused(reason)) => complaints.push((key.clone(), refused(Rejected::Refused(reason)))),
                Some(Standing::RolledBack(reason)) => {
                    let refusal = refused(Rejected::RolledBack(reason));
                    head.record.takes_back(head.taken.as_ref());
                    head.record.rolled_back = head.taken.as_ref().map(Kept::digest).unwrap_or_default();
                    if !runs {
                        let before = head.record.good.as_ref().and_then(Kept::manifest);
                        self.meters.runs(&edition.module, name, before.map_or(0, |before| before.revision));
                    }
                    if let Err(error) = self.store.write(&head.record) {
                        tracing::error!(head = name, %error, "it cannot be kept that a pushed module was taken back: it would run again after a restart");
                    }
                    complaints.push((key.clone(), refusal));
                }
                None => {}
            }
        }
        for edition in live {
            self.supersede(&edition);
        }
        if is_good {
            let records: Vec<&Record> = self.heads.values().map(|head| &head.record).collect();
            if let Err(error) = self.store.prune(&records) {
                tracing::warn!(%error, "components that nobody needs any more cannot be removed");
            }
        }
        for (key, refusal) in complaints {
            self.reject(&key, refusal).await;
        }
    }

    /// What is kept of heads that were deleted makes way for one that is live and for the same clusters.
    fn supersede(&mut self, live: &Edition) {
        if !self.has_listed {
            return;
        }
        let key = (live.head.clone(), live.module.clone());
        let tying = self.tying(&key, &live.clusters).filter(|other| !other.is_there);
        for other in tying.map(Head::key).collect::<Vec<_>>() {
            tracing::info!(
                head = live.head,
                module = live.module,
                before = other.0,
                "a pushed module takes the place of one whose head was deleted"
            );
            self.unload(&other);
        }
    }

    fn namespace_of(&self, api: &Api) -> String {
        self.namespace.clone().unwrap_or_else(|| api.namespace_of_its_own().to_owned())
    }

    /// The server, where it can be asked at all. Whoever fails has it made anew.
    async fn api(&mut self) -> Option<Api> {
        if self.api.is_none() {
            self.api = self.server.api().await.ok();
        }
        self.api.clone()
    }

    fn kept(signed: &Signed) -> Kept {
        signed.clone().into()
    }
}

impl Head {
    fn key(&self) -> Key {
        (self.record.head.clone(), self.record.module.clone())
    }
}

/// Hears of heads until the end.
async fn watch(server: Server, namespace: Option<String>, changes: &Changes, meters: Meters) {
    let mut pauses = Pauses::new();
    loop {
        let mut has_listed = false;
        let failed = match server.api().await {
            Ok(api) => {
                let namespace = namespace.clone().unwrap_or_else(|| api.namespace_of_its_own().to_owned());
                let scope = Scope { namespace: Some(namespace), labels: Some(MODULE.to_owned()), ..Scope::default() };
                let tell = |seen| {
                    has_listed |= changes.tell(seen);
                    meters.followed.set(i64::from(has_listed));
                };
                let Err(error) = api.follow_metadata_of::<ConfigMap>(&scope, tell).await;
                let denied = error.is_denied().then(|| missing_rule(scope.namespace.as_deref(), "", "configmaps"));
                denied.map_or_else(|| error.to_string(), |rule| format!("{error}; {rule}"))
            }
            Err(error) => error.to_string(),
        };
        meters.followed.set(0);
        meters.failures.inc();
        tracing::warn!(error = failed, "pushed modules are not heard of at present: those that are there run on");
        pauses.pause(has_listed).await;
    }
}
