//! The tailer reads what files grow by and makes batches of it, each with the positions that it takes files to.
//!
//! It knows no async: [`Tailer::step`] looks, reads and returns what is to be sent, [`Tailer::done`] hears what became of
//! it. Of each file one batch is under way at a time, so that its entries stay in order, and so many batches in all.

mod follow;
mod read;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use host_component::{ComponentId, Payload};
use host_telemetry::{Counter, Gauge, Metrics};

use super::checkpoint::{Checkpoint, Known};
use super::config::{Config, StartAt, Watch as How};
use super::entry::{Entry, FileId, Writer};
use super::finder::Finder;
use super::lines::Splitter;
use super::operators::{Plan, Sink};
use super::tailed::{Inode, Position, Tailed};
use super::watch::Watch;
use crate::budget::{Budget, Reservation};

/// Batches under way at a time.
pub(super) const MAX_IN_FLIGHT: usize = 8;
/// What is read for one batch, and what is set aside for it: with what is read, what is made of it.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_ROOM: usize = 4 << 20;
/// How often the checkpoint is synced at most.
const SYNC_PAUSE: Duration = Duration::from_millis(100);
/// How often what is done with is let go of.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// How long a file that is gone is looked at for what is still written to it.
const GRACE: Duration = Duration::from_secs(2);

/// What is to be sent, and what it means when it is.
pub(super) struct Batch {
    pub(super) id: u64,
    pub(super) payload: Payload,
    positions: Vec<(FileId, Position)>,
    _room: Reservation,
}

/// A batch that is being made.
struct Draft {
    id: u64,
    writer: Writer,
    read: usize,
    files: Vec<FileId>,
    released: Vec<FileId>,
}

/// When a file is read.
enum Turn {
    Now,
    Later,
    /// When this one was read.
    Behind(FileId),
    Never,
}

impl Draft {
    fn is_full(&self) -> bool {
        self.read >= BATCH_BYTES || self.writer.len() >= BATCH_BYTES * 2
    }
}

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
    partials: Vec<FileId>,
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
    next_sweep: Instant,
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
        config: Config,
        id: &ComponentId,
        base: &std::path::Path,
        metrics: &Metrics,
        budget: Budget,
    ) -> Result<Self, String> {
        let mut plan = Plan::new(&config)?;
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
            splitter: Splitter::new(&config)?,
            plan,
            watch: None,
            files: HashMap::new(),
            by_inode: HashMap::new(),
            by_path: HashMap::new(),
            by_place: HashMap::new(),
            ready: VecDeque::new(),
            partials: Vec::new(),
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
            next_sweep: now,
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
        // The checkpoint may be a moment behind the one before.
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
        self.files.iter().map(|(id, file)| (*id, file.known())).collect()
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
            self.next_sweep = now + SWEEP_PAUSE;
            self.retire(now);
            self.close_surplus();
            self.tell();
        }
        self.save(now, false);
        batches
    }

    /// Hears what became of a batch. What was not delivered, and is not to be tried again, stays where it was.
    pub(super) fn done(&mut self, batch: &Batch, is_over: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if is_over {
            for (id, position) in &batch.positions {
                self.deliver(*id, *position);
            }
        }
        for (id, _) in &batch.positions {
            if let Some(file) = self.files.get_mut(id).filter(|file| file.batch == Some(batch.id)) {
                file.batch = None;
                self.make_ready(*id);
            }
        }
    }

    /// Whether something is to be looked at again soon, though nobody tells of it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.ready.is_empty()
            || !self.partials.is_empty()
            || self.plan.kept().next().is_some()
            || !self.changes.is_empty()
            || self.files.values().any(|file| file.gone.is_some())
    }

    pub(super) fn next_scan(&self) -> Instant {
        self.next_scan
    }

    fn deliver(&mut self, id: FileId, position: Position) {
        if let Some(file) = self.files.get_mut(&id) {
            file.delivered = position;
            self.changes.insert(id, Some(file.known()));
        }
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
                Some(_) => self.partials.push(id),
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

    /// Makes one batch of what is ready; none where nothing is, or where there is no room for it.
    fn fill(&mut self, now: Instant) -> Option<Batch> {
        if self.ready.is_empty() && self.plan.kept().next().is_none() {
            return None;
        }
        let mut room = self.budget.reserve(BATCH_ROOM.min(self.budget.limit()))?;
        let id = self.next_batch;
        self.next_batch += 1;
        let mut draft = Draft { id, writer: Writer::default(), read: 0, files: Vec::new(), released: Vec::new() };
        let (mut busy, mut blocked) = (Vec::new(), Vec::new());
        while !draft.is_full() {
            let Some(next) = self.ready.pop_front() else { break };
            match self.may_read(next, &draft) {
                Turn::Now => {
                    self.visit(next, &mut draft, now);
                    // Who waits for this one may come now.
                    while let Some(waiting) = blocked.pop() {
                        self.ready.push_front(waiting);
                    }
                }
                Turn::Never => {}
                Turn::Later => busy.push(next),
                Turn::Behind(before) => {
                    blocked.push(next);
                    self.make_ready(before);
                }
            }
        }
        self.ready.extend(blocked);
        self.ready.extend(busy);
        self.flush(&mut draft, now);
        let positions = self.positions(&draft);
        if draft.writer.items() == 0 {
            for (id, position) in positions {
                self.deliver(id, position);
            }
            return None;
        }
        for id in &draft.files {
            if let Some(file) = self.files.get_mut(id) {
                file.batch = Some(draft.id);
                // How long it is known to be tells later what was lost of it.
                self.changes.insert(*id, Some(file.known()));
            }
        }
        self.in_flight += 1;
        let payload = draft.writer.finish();
        room.shrink_to(payload.len());
        Some(Batch { id: draft.id, payload, positions, _room: room })
    }

    /// Whether a file may be read for this batch.
    fn may_read(&mut self, id: FileId, draft: &Draft) -> Turn {
        let Some(file) = self.files.get_mut(&id) else { return Turn::Never };
        if file.copy_of.is_some() {
            file.is_ready = false;
            return Turn::Never;
        }
        if file.batch.is_some() {
            return Turn::Later;
        }
        let Some((before, other)) = file.after.and_then(|id| Some((id, self.files.get(&id)?))) else {
            return Turn::Now;
        };
        match other.batch.is_some() || !other.is_drained {
            false => Turn::Now,
            true if other.batch.is_some() || other.is_ready || draft.files.contains(&before) => Turn::Later,
            true => Turn::Behind(before),
        }
    }

    /// Sends on what was kept for too long.
    fn flush(&mut self, draft: &mut Draft, now: Instant) {
        let files = &self.files;
        let is_busy = |file: &Tailed| {
            file.batch.is_some_and(|batch| batch != draft.id)
                || file.is_ready
                || file.offset < file.size && file.partial.is_none()
        };
        let waits = |lineage: u64| files.values().any(|file| file.lineage == lineage && is_busy(file));
        let mut out = Out { writer: &mut draft.writer, released: &mut draft.released, meters: &self.meters };
        self.plan.flush(now, self.config.force_flush_period, &waits, &mut out);
    }

    /// Where the files of a batch are when it was delivered.
    fn positions(&self, draft: &Draft) -> Vec<(FileId, Position)> {
        let mut starts: HashMap<FileId, u64> = HashMap::new();
        for (file, start) in self.plan.kept() {
            starts.entry(file).and_modify(|first| *first = start.min(*first)).or_insert(start);
        }
        let is_free = |id: &FileId| self.files.get(id).is_some_and(|file| file.batch.is_none());
        let mut ids: Vec<FileId> = draft.files.iter().chain(&draft.released).copied().filter(is_free).collect();
        ids.sort_unstable();
        ids.dedup();
        let position = |id: FileId| {
            let file = self.files.get(&id)?;
            let low = starts.get(&id).copied().filter(|start| *start < file.offset);
            Some(match low {
                // What stands before it is not known any more.
                Some(offset) => (id, Position { offset, records: file.delivered.records, ..Position::default() }),
                None => (id, Position { offset: file.offset, guard: file.guard, records: file.records }),
            })
        };
        ids.into_iter().filter_map(position).collect()
    }

    /// Writes what changed to the checkpoint.
    pub(super) fn save(&mut self, now: Instant, at_once: bool) {
        let is_due = at_once || now.saturating_duration_since(self.synced) >= SYNC_PAUSE;
        if self.changes.is_empty() || !is_due {
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
        let surplus = open.saturating_sub(self.config.max_concurrent_files);
        if surplus == 0 {
            return;
        }
        let idle =
            |file: &Tailed| file.source.is_some() && file.gone.is_none() && file.batch.is_none() && !file.is_ready;
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
        self.meters.reading_files.set(count(&|file| file.batch.is_some()));
        self.meters.followed.set(self.files.len() as i64);
        self.meters.watched_folders.set(self.watch.as_ref().map_or(0, Watch::folders) as i64);
    }
}

/// What the operators write to.
struct Out<'o> {
    writer: &'o mut Writer,
    released: &'o mut Vec<FileId>,
    meters: &'o Meters,
}

impl Sink for Out<'_> {
    fn put(&mut self, entry: &Entry<'_>) {
        self.writer.put(entry);
    }

    fn released(&mut self, file: FileId) {
        self.released.push(file);
    }

    fn dropped(&mut self) {
        self.meters.dropped.inc();
    }
}
