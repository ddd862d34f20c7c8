//! The receiver runs `journalctl`, reads what it says, and starts it anew where it ends.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_component::claims::{Claims, Held, Taken};
use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown, spawn};
use host_config::{Check as _, Wrong};
use host_telemetry::Counter;
use memchr::memchr;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::{Mutex, MutexGuard};

use super::command::Journalctl;
use super::config::Config;
use super::progress::{Cursor, Progress, Store};
use super::record;
use crate::entries::entry::{Map, Value};
use crate::entries::way::{Common, Names, Shared, Way};
use crate::file_log::StartAt;
use crate::{Deps, storage};

/// What is read at a time.
const CHUNK: usize = 64 << 10;
/// The longest line that is read; with `all: true` a field may have any length.
const MAX_LINE: usize = 4 << 20;
/// How often the disk is told how far the journal was read.
const SAVE: Duration = Duration::from_secs(1);
/// How long it takes until `journalctl` is started anew, at first and at most.
const PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The attribute that has the line itself.
const ORIGINAL: &str = "log.record.original";

/// What a receiver leaves to the one that takes its place, which may be that the journal was empty. Whoever runs holds it.
type Legacy = Mutex<Option<Option<Cursor>>>;

static LEGACIES: Claims<String, Legacy> = Claims::new();

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: it is there twice: {source}")]
    Twice { id: ComponentId, source: Taken },
}

/// The receiver, not reading yet.
pub struct Journald {
    shared: Arc<Shared>,
    journalctl: Journalctl,
    from_beginning: bool,
    converts: bool,
    with_original: bool,
    store: Option<Store>,
    legacy: Held<Legacy>,
    failed: Counter,
    failures: Counter,
}

/// A receiver that stays as it is goes on by itself.
pub fn keep(id: &ComponentId) {
    LEGACIES.keep(&id.to_string());
}

impl Config {
    /// Makes the receiver. `storage` is the folder of its storage, where it has one.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(
        self,
        id: &ComponentId,
        consumers: &Consumers,
        storage: Option<&Path>,
        deps: &Deps<'_>,
    ) -> Result<Journald, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id: id.clone(), wrong });
        }
        let owner = id.to_string();
        let taken =
            LEGACIES.take_over(&owner, &owner).map_err(|source| BuildError::Twice { id: id.clone(), source })?;
        let common = Common {
            transport: "journald",
            names: Names {
                dropped: "tidegate_journald_dropped_entries",
                operator_errors: "tidegate_journald_operator_errors",
                lost: None,
            },
            operators: self.operators.clone(),
            attributes: &self.attributes,
            resource: &self.resource,
            retry: &self.retry_on_failure,
        };
        let labels = [("receiver", owner.as_str())];
        let counter = |name, help| deps.metrics.counter(name, help, &labels);
        Ok(Journald {
            shared: Arc::new(Shared::new(id, common, consumers, deps.metrics, deps.budget)),
            journalctl: Journalctl::new(&self),
            from_beginning: self.start_at == StartAt::Beginning,
            converts: self.convert_message_bytes,
            with_original: self.include_log_record_original,
            store: storage.map(|folder| Store::new(storage::folder(folder, id).join("cursor.json"))),
            failed: counter(
                "tidegate_journald_failed_entries",
                "Entries that could not be read, or were longer than any may be.",
            ),
            failures: counter("tidegate_journald_command_failures", "Times that journalctl failed or ended by itself."),
            legacy: taken.unwrap_or_else(|| LEGACIES.claim(owner.clone(), &owner, Legacy::default())),
        })
    }
}

impl Receiver for Journald {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let id = self.shared.id.clone();
            if let Err(error) = self.read_on(shutdown).await {
                tracing::error!(receiver = %id, error, "the receiver has ended");
            }
        })
    }
}

/// How far reading has come.
struct Reading<'l> {
    legacy: MutexGuard<'l, Option<Option<Cursor>>>,
    way: Way,
    progress: Progress,
    /// The end of what was read, which is no line yet.
    buffer: Vec<u8>,
    /// Whether the line that is being read is passed over, since it is too long.
    skips: bool,
    saved: Instant,
    is_saved: bool,
    /// How often it was written.
    saves: u64,
}

impl Journald {
    async fn read_on(self, mut shutdown: Shutdown) -> Result<(), String> {
        // The one before this one reads until it has ended.
        let legacy = tokio::select! {
            legacy = self.legacy.lock() => legacy,
            () = shutdown.wait() => return Ok(()),
        };
        let way = Way::new(Arc::clone(&self.shared), shutdown.clone())?;
        let Some(start) = self.start(legacy.clone(), &mut shutdown).await else { return Ok(()) };
        let mut reading = Reading {
            legacy,
            way,
            progress: Progress::from(start),
            buffer: Vec::new(),
            skips: false,
            saved: Instant::now(),
            is_saved: true,
            saves: 0,
        };
        *reading.legacy = Some(reading.progress.confirmed().cloned());
        let mut pause = PAUSE;
        while !shutdown.is_fired() {
            let before = reading.progress.last().cloned();
            let ended = self.run_once(&mut reading, &mut shutdown).await;
            if shutdown.is_fired() {
                break;
            }
            self.failures.inc();
            let told = ended.map_or_else(|error| error.to_string(), |()| "it has ended by itself".to_owned());
            tracing::warn!(receiver = %self.shared.id, error = told, again_after = ?pause, "journalctl does not run");
            let is_better = before.as_ref() != reading.progress.last();
            let wait = if is_better { PAUSE } else { pause };
            pause = (wait * 2).min(MAX_PAUSE);
            tokio::select! {
                () = shutdown.wait() => {}
                () = self.rest(&mut reading, wait) => {}
            }
        }
        reading.way.end().await;
        self.confirm(&mut reading);
        self.save(&mut reading).await;
        Ok(())
    }

    /// Where to begin: where the one before has ended, where the disk says, or where the configuration does. None where the
    /// shutdown came first.
    async fn start(&self, legacy: Option<Option<Cursor>>, shutdown: &mut Shutdown) -> Option<Option<Cursor>> {
        if let Some(left) = legacy {
            return Some(left);
        }
        match self.store.as_ref().map_or(Ok(None), Store::read) {
            Ok(Some(written)) => return Some(written),
            Ok(None) => {}
            Err(error) => {
                let path = self.store.as_ref().map(|store| store.path.display().to_string());
                tracing::error!(receiver = %self.shared.id, path, %error, "how far the journal was read is not known: it is read as configured for a first start");
            }
        }
        if self.from_beginning {
            return Some(None);
        }
        // With `--lines=0` what comes until the next start would be lost: the place is noted before anything is read.
        let mut pause = PAUSE;
        loop {
            let last = tokio::select! {
                last = self.journalctl.last() => last,
                () = shutdown.wait() => return None,
            };
            match last {
                Ok(last) => {
                    self.write(0, last.as_ref()).await;
                    return Some(last);
                }
                Err(error) => {
                    self.failures.inc();
                    tracing::error!(receiver = %self.shared.id, %error, again_after = ?pause, "the journal's end cannot be found");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.wait() => return None,
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Goes on delivering while nothing is read.
    async fn rest(&self, reading: &mut Reading<'_>, wait: Duration) {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                () = reading.way.meanwhile() => self.confirm_and_save(reading).await,
            }
        }
    }

    /// Follows the journal until `journalctl` ends, or the shutdown.
    async fn run_once(&self, reading: &mut Reading<'_>, shutdown: &mut Shutdown) -> io::Result<()> {
        let mut child = self.journalctl.follow(reading.progress.last()).await?;
        reading.buffer.clear();
        reading.skips = false;
        if let Some(errors) = child.stderr.take() {
            spawn("journalctl", &self.shared.id.to_string(), complaints(errors, self.shared.id.clone()));
        }
        let out = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        tokio::select! {
            biased;
            () = shutdown.wait() => {}
            ended = self.listen(out, reading) => ended?,
        }
        end(child, shutdown).await
    }

    async fn listen(&self, mut out: ChildStdout, reading: &mut Reading<'_>) -> io::Result<()> {
        loop {
            reading.way.has_room().await;
            reading.buffer.reserve(CHUNK);
            let until_save = SAVE.saturating_sub(reading.saved.elapsed());
            let count = tokio::select! {
                biased;
                count = out.read_buf(&mut reading.buffer) => count?,
                () = reading.way.meanwhile() => {
                    self.confirm_and_save(reading).await;
                    continue;
                }
                () = tokio::time::sleep(until_save), if !reading.is_saved => {
                    self.confirm_and_save(reading).await;
                    continue;
                }
            };
            if count == 0 {
                return Ok(());
            }
            self.heard(reading);
            self.confirm_and_save(reading).await;
        }
    }

    /// Takes all lines that are whole.
    fn heard(&self, reading: &mut Reading<'_>) {
        let buffer = std::mem::take(&mut reading.buffer);
        let mut rest = buffer.as_slice();
        while let Some(end) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            if std::mem::take(&mut reading.skips) {
                self.failed.inc();
                tracing::warn!(receiver = %self.shared.id, most = MAX_LINE, "an entry of the journal is too long, and is passed over");
                continue;
            }
            self.line(line, reading);
        }
        if rest.len() > MAX_LINE || reading.skips {
            reading.skips = true;
            rest = &[];
        }
        reading.buffer = rest.to_vec();
        reading.way.went_on();
    }

    fn line(&self, line: &[u8], reading: &mut Reading<'_>) {
        let text = String::from_utf8_lossy(line);
        match record::parse(&text, self.converts) {
            Ok(record) => {
                let own = match self.with_original {
                    true => vec![(ORIGINAL.into(), Value::text(text.trim().to_owned()))],
                    false => Map::new(),
                };
                let number = reading.way.take(Value::Map(record.body), record.time, &own);
                reading.progress.read(number, record.cursor);
            }
            Err(error) if !text.trim().is_empty() => {
                self.failed.inc();
                tracing::warn!(receiver = %self.shared.id, error, "an entry of the journal cannot be read, and is passed over");
            }
            Err(_) => {}
        }
    }

    fn confirm(&self, reading: &mut Reading<'_>) {
        if reading.progress.confirm(reading.way.confirmed()) {
            *reading.legacy = Some(reading.progress.confirmed().cloned());
            reading.is_saved = false;
        }
    }

    async fn confirm_and_save(&self, reading: &mut Reading<'_>) {
        self.confirm(reading);
        if reading.saved.elapsed() >= SAVE {
            self.save(reading).await;
        }
    }

    async fn save(&self, reading: &mut Reading<'_>) {
        if !reading.is_saved && reading.progress.confirmed().is_some() {
            reading.saves += 1;
            reading.saved = Instant::now();
            reading.is_saved = self.write(reading.saves, reading.progress.confirmed()).await;
        }
    }

    /// Gives whether the disk has it, or none is to.
    async fn write(&self, which: u64, cursor: Option<&Cursor>) -> bool {
        let Some(store) = self.store.clone() else { return true };
        let (cursor, path) = (cursor.cloned(), store.path.display().to_string());
        let written = tokio::task::spawn_blocking(move || store.write(which, cursor.as_ref())).await;
        let written = written.map_err(io::Error::other).and_then(|written| written);
        if let Err(error) = &written {
            tracing::error!(receiver = %self.shared.id, path, %error, "the disk does not take how far the journal was read: entries may come twice after a restart");
        }
        written.is_ok()
    }
}

/// Ends a `journalctl`, and says how it ended where nobody told it to.
async fn end(mut child: Child, shutdown: &Shutdown) -> io::Result<()> {
    if shutdown.is_fired() {
        return child.kill().await;
    }
    // Its output has ended, and so should it.
    let Ok(status) = tokio::time::timeout(PAUSE, child.wait()).await else { return child.kill().await };
    let status = status?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("it has ended: {status}"))) }
}

/// Tells what `journalctl` complains about.
async fn complaints(mut errors: ChildStderr, id: ComponentId) {
    let mut buffer = vec![0; 4 << 10];
    while let Ok(count) = errors.read(&mut buffer).await {
        let told = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
        if count == 0 {
            return;
        }
        tracing::warn!(receiver = %id, stderr = told.trim(), "journalctl complains");
    }
}
