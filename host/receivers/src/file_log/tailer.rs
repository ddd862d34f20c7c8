//! The tailer reads what files grow by and makes batches of it, each with the positions that it takes files to.
//!
//! It knows no async: [`Tailer::step`] looks, reads and returns what is to be sent, [`Tailer::done`] hears what became of
//! it. Of each file one batch is under way at a time, so that its entries stay in order, and so many batches in all.

mod batches;
mod copies;
mod follow;
mod known;
mod packed;
mod read;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use host_component::ComponentId;
use host_telemetry::{Counter, Gauge, Metrics};
use rustix::process::{Resource, getrlimit};

pub(super) use self::batches::Batch;
use self::follow::{REST, cpu_time};
use super::checkpoint::{Checkpoint, Known};
use super::config::{Config, StartAt, Watch as How};
use super::finder::Finder;
use super::tailed::{Inode, Tailed};
use super::watch::Watch;
use crate::budget::Budget;
use crate::entries::entry::FileId;
use crate::entries::lines::Splitter;
use crate::entries::operators::Plan;

/// Batches under way at a time.
pub(super) const MAX_IN_FLIGHT: usize = 8;
/// How often the checkpoint is synced at most.
const SYNC_PAUSE: Duration = Duration::from_millis(100);
/// How often it is tried again where that failed.
const BEHIND_PAUSE: Duration = Duration::from_secs(1);
/// How often what is done with is let go of.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// How long a file that is gone is looked at for what is still written to it.
const GRACE: Duration = Duration::from_secs(2);

/// The metrics of a receiver.
pub(super) struct Meters {
    open_files: Gauge,
    reading_files: Gauge,
    followed: Gauge,
    watched_folders: Gauge,
    lost_bytes: Counter,
    dropped: Counter,
    truncated_bytes: Counter,
    checkpoint_errors: Counter,
    read_errors: Counter,
}

pub(super) struct Tailer {
    config: Config,
    finder: Finder,
    splitter: Splitter,
    plan: Plan,
    watch: Option<Watch>,
    files: HashMap<FileId, Tailed>,
    by_inode: HashMap<Inode, FileId>,
    by_path: HashMap<PathBuf, FileId>,
    by_place: HashMap<PathBuf, FileId>,
    ready: VecDeque<FileId>,
    /// Files with something behind their last whole entry.
    partials: BTreeSet<FileId>,
    /// Files that are copies of others.
    copies: BTreeSet<FileId>,
    checkpoint: Option<Checkpoint>,
    changes: BTreeMap<FileId, Option<Known>>,
    synced: Instant,
    next_id: u64,
    next_batch: u64,
    in_flight: usize,
    scratch: Vec<u8>,
    scans: u64,
    next_scan: Instant,
    scan_took: Duration,
    /// Whether all could be looked at the last time.
    is_whole: bool,
    warned: Option<Instant>,
    next_sweep: Instant,
    /// Whether one that is followed was gone when all were looked at.
    has_gone: bool,
    /// Files that are open, or a few more.
    open: usize,
    from_beginning: bool,
    meters: Meters,
    budget: Budget,
}

impl Meters {
    pub(super) fn new(id: &ComponentId, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let labels = [("receiver", id.as_str())];
        let counter = |name, help| metrics.counter(name, help, &labels);
        let gauge = |name, help| metrics.gauge(name, help, &labels);
        Meters {
            open_files: gauge("otelcol_fileconsumer_open_files", "Files that are open."),
            reading_files: gauge("otelcol_fileconsumer_reading_files", "Files of which something is under way."),
            followed: gauge("tidegate_file_log_files", "Files that are followed."),
            watched_folders: gauge("tidegate_file_log_watched_folders", "Folders whose changes the kernel tells of."),
            lost_bytes: counter(
                "tidegate_file_log_lost_bytes",
                "Bytes that were seen, or were known of by the checkpoint, and were gone before they were read.",
            ),
            dropped: counter("tidegate_file_log_dropped_entries", "Entries that an operator dropped."),
            truncated_bytes: counter(
                "tidegate_file_log_truncated_bytes",
                "Bytes beyond max_log_size that were passed over.",
            ),
            checkpoint_errors: counter(
                "tidegate_file_log_checkpoint_errors",
                "Times that the checkpoint could not be written.",
            ),
            read_errors: counter("tidegate_file_log_read_errors", "Times that a file could not be read."),
        }
    }
}

impl Tailer {
    /// # Errors
    /// Where the configuration makes no sense, which `validate` tells, too.
    pub(super) fn new(
        mut config: Config,
        id: &ComponentId,
        base: &std::path::Path,
        metrics: &Metrics,
        budget: Budget,
    ) -> Result<Self, String> {
        let may_open = may_open();
        if config.max_concurrent_files > may_open {
            tracing::warn!(receiver = %id, max_concurrent_files = config.max_concurrent_files, may_open, "the limit of open files (`ulimit -n`) is too low: fewer files are open at a time");
            config.max_concurrent_files = may_open;
        }
        let mut plan = Plan::new(&config.operators)?;
        let receiver = id.to_string();
        plan.count(|operator| {
            metrics.counter(
                "tidegate_file_log_operator_errors",
                "Entries that an operator could not work on.",
                &[("receiver", &receiver), ("operator", operator)],
            )
        });
        let now = Instant::now();
        Ok(Tailer {
            finder: Finder::new(&config.include, &config.exclude, base)?,
            splitter: Splitter::new(config.cut())?,
            plan,
            watch: None,
            files: HashMap::new(),
            by_inode: HashMap::new(),
            by_path: HashMap::new(),
            by_place: HashMap::new(),
            ready: VecDeque::new(),
            partials: BTreeSet::new(),
            copies: BTreeSet::new(),
            checkpoint: None,
            changes: BTreeMap::new(),
            synced: now,
            next_id: 1,
            next_batch: 1,
            in_flight: 0,
            scratch: Vec::new(),
            scans: 0,
            next_scan: now,
            scan_took: Duration::ZERO,
            is_whole: true,
            warned: None,
            next_sweep: now,
            has_gone: false,
            open: 0,
            from_beginning: config.start_at == StartAt::Beginning,
            meters: Meters::new(id, metrics),
            budget,
            config,
        })
    }

    /// Begins where somebody before has ended: the one that this takes the place of, or the checkpoint.
    pub(super) fn resume(&mut self, checkpoint: Option<Checkpoint>, before: BTreeMap<FileId, Known>) {
        if self.config.watch == How::Auto {
            self.watch = Watch::new();
        }
        let mut known = checkpoint.as_ref().map(|checkpoint| checkpoint.live().clone()).unwrap_or_default();
        // The checkpoint may be a moment behind the one before, or a new one.
        self.changes.extend(before.iter().map(|(id, known)| (*id, Some(known.clone()))));
        known.extend(before);
        self.from_beginning |= !known.is_empty();
        for (id, known) in &known {
            let file = Tailed::of(known, &self.config);
            self.next_id = self.next_id.max(id + 1).max(known.lineage + 1);
            self.enter(*id, file);
        }
        self.checkpoint = checkpoint;
    }

    /// What the one that takes this one's place has to know.
    pub(super) fn handed_over(&self) -> BTreeMap<FileId, Known> {
        self.files.iter().filter(|(_, file)| file.copied.is_none()).map(|(id, file)| (*id, file.known())).collect()
    }

    pub(super) fn watch_fd(&self) -> Option<std::os::fd::OwnedFd> {
        self.watch.as_ref().and_then(|watch| watch.fd().ok())
    }

    /// Looks for changes and reads them, as much as may be under way.
    pub(super) fn step(&mut self, now: Instant) -> Vec<Batch> {
        self.listen(now);
        if now >= self.next_scan {
            self.scan(now);
        }
        self.wake_partials(now);
        let mut batches = Vec::new();
        while self.in_flight < MAX_IN_FLIGHT {
            match self.fill(now) {
                Some(batch) => batches.push(batch),
                None => break,
            }
        }
        if now >= self.next_sweep {
            let worked = cpu_time();
            self.retire(now);
            self.close_surplus();
            self.tell();
            self.has_gone = self.files.values().any(|file| file.gone.is_some());
            self.next_sweep = now + SWEEP_PAUSE.max(cpu_time().saturating_sub(worked) * REST);
        }
        self.save(now, false);
        batches
    }

    /// Whether something is to be looked at again soon, though nobody tells of it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.ready.is_empty()
            || !self.partials.is_empty()
            || self.plan.kept().next().is_some()
            || !self.changes.is_empty()
            || self.checkpoint.as_ref().is_some_and(Checkpoint::is_behind)
            || self.has_gone
    }

    pub(super) fn next_scan(&self) -> Instant {
        self.next_scan
    }

    fn make_ready(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(&id)
            && !file.is_ready
        {
            file.is_ready = true;
            self.ready.push_back(id);
        }
    }

    fn listen(&mut self, now: Instant) {
        let Some(watch) = &mut self.watch else { return };
        let told = watch.told();
        for path in told.written {
            if let Some(id) = self.by_place.get(&path).copied() {
                self.make_ready(id);
            }
        }
        if told.is_other {
            // Where looking takes long, it is not done all the time.
            self.next_scan = self.next_scan.min(now + self.scan_took * 4);
        }
    }

    fn wake_partials(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.partials);
        for id in waiting {
            let Some(file) = self.files.get(&id) else { continue };
            match file.partial {
                Some((_, since)) if now.saturating_duration_since(since) >= self.patience(file) => self.make_ready(id),
                Some(_) => {
                    self.partials.insert(id);
                }
                None => {}
            }
        }
    }

    /// How long what has no end is waited for.
    fn patience(&self, file: &Tailed) -> Duration {
        match (self.config.force_flush_period, file.gone) {
            (Duration::ZERO, Some(_)) => GRACE,
            (Duration::ZERO, None) => Duration::MAX,
            (period, _) => period,
        }
    }

    /// Writes what changed to the checkpoint.
    pub(super) fn save(&mut self, now: Instant, at_once: bool) {
        let is_behind = self.checkpoint.as_ref().is_some_and(Checkpoint::is_behind);
        let pause = if is_behind { BEHIND_PAUSE } else { SYNC_PAUSE };
        let is_due = at_once || now.saturating_duration_since(self.synced) >= pause;
        if self.changes.is_empty() && !is_behind || !is_due {
            return;
        }
        self.synced = now;
        let changes = std::mem::take(&mut self.changes);
        if let Some(checkpoint) = &mut self.checkpoint
            && let Err(error) = checkpoint.write(changes)
        {
            self.meters.checkpoint_errors.inc();
            tracing::error!(%error, "the checkpoint cannot be written: what is read now would be read again after a restart");
        }
    }

    fn close_surplus(&mut self) {
        let open = self.files.values().filter(|file| file.source.is_some()).count();
        self.open = open;
        let most = self.config.max_concurrent_files;
        if open < most {
            return;
        }
        // With room for those that are read next, so that these stay open and not whichever came first.
        let surplus = open - (most - most / 8);
        let idle =
            |file: &Tailed| file.source.is_some() && file.gone.is_none() && !file.is_under_way() && !file.is_ready;
        let mut idle: Vec<(u64, FileId)> =
            self.files.iter().filter(|(_, file)| idle(file)).map(|(id, file)| (file.used, *id)).collect();
        idle.sort_unstable();
        for (_, id) in idle.into_iter().take(surplus) {
            if let Some(file) = self.files.get_mut(&id) {
                file.take_source();
            }
        }
    }

    fn tell(&self) {
        let count = |is_it: &dyn Fn(&Tailed) -> bool| self.files.values().filter(|file| is_it(file)).count() as i64;
        self.meters.open_files.set(count(&|file| file.source.is_some()));
        self.meters.reading_files.set(count(&|file| file.is_under_way()));
        self.meters.followed.set(self.files.len() as i64);
        self.meters.watched_folders.set(self.watch.as_ref().map_or(0, Watch::folders) as i64);
    }
}

/// Files that may be open at a time: half of what this process may open.
fn may_open() -> usize {
    let limit = getrlimit(Resource::Nofile).current.map(|limit| limit / 2);
    limit.map_or(usize::MAX, |half| usize::try_from(half).unwrap_or(usize::MAX).max(1))
}
