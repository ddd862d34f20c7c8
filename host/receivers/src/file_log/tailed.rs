//! One file that is followed: what it is known by, how far it was read, and how far that was delivered.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::Known;
use super::config::Config;
use super::identity::{Fingerprint, Guard};
use super::source::Source;
use crate::entries::entry::{FileId, Map, Value};
use crate::entries::operators;

/// Device and inode.
pub(super) type Inode = (u64, u64);

pub(super) struct Tailed {
    pub(super) inode: Inode,
    /// Files that took each other's place under one name have the same.
    pub(super) lineage: u64,
    /// Where it was found, which is what its entries say.
    pub(super) path: PathBuf,
    /// Where it is: links followed, or where it was moved to.
    pub(super) place: PathBuf,
    /// What it was found by before it was moved: who comes next under that name is read behind it.
    pub(super) was: Option<PathBuf>,
    pub(super) says: Arc<Says>,
    pub(super) fingerprint: Fingerprint,
    pub(super) guard: Guard,
    pub(super) offset: u64,
    /// Up to where all was delivered.
    pub(super) delivered: Position,
    pub(super) size: u64,
    /// The most that it was known to have of what is read now.
    pub(super) longest: u64,
    /// How long it was when it was last looked at.
    pub(super) scanned: u64,
    pub(super) records: u64,
    pub(super) source: Option<Source>,
    pub(super) packed: bool,
    /// The batches that something of it is under way in, in their order: where it is when they were delivered, and
    /// whether they were.
    pub(super) under_way: VecDeque<(u64, Position, bool)>,
    pub(super) is_ready: bool,
    /// The file that is to be read before it.
    pub(super) after: Option<FileId>,
    /// Where this one is a copy of another: not read before that was truncated.
    pub(super) copied: Option<Copied>,
    /// Since when no pattern finds it.
    pub(super) gone: Option<Instant>,
    /// Whether it was read to its end since.
    pub(super) is_drained: bool,
    /// How much stands behind the last whole entry, and since when.
    pub(super) partial: Option<(u64, Instant)>,
    /// Since when it cannot be read.
    pub(super) failing: Option<Instant>,
    /// Whether the rest of the line is passed over.
    pub(super) skips: bool,
    /// Whether it became shorter and that is ignored.
    pub(super) has_shrunk: bool,
    /// Whether its first bytes were compared since it was opened.
    pub(super) is_checked: bool,
    pub(super) used: u64,
    pub(super) seen: u64,
}

/// What is known of a copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    pub(super) of: FileId,
    /// Whether all is in it that was read of the other.
    pub(super) is_whole: bool,
    /// How long it was, and since when.
    pub(super) seen: u64,
    pub(super) grew: Instant,
}

impl Copied {
    pub(super) fn new(of: FileId, now: Instant) -> Self {
        Copied { of, is_whole: false, seen: 0, grew: now }
    }

    pub(super) fn whole(of: FileId) -> Self {
        Copied { is_whole: true, ..Copied::new(of, Instant::now()) }
    }
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: u64,
    pub(super) guard: Guard,
    pub(super) records: u64,
}

/// What the entries of a file say of it.
pub(super) struct Says {
    pub(super) attributes: Map<'static>,
    pub(super) resource: Arc<Map<'static>>,
    pub(super) path: Result<Map<'static>, String>,
}

impl Says {
    pub(super) fn new(config: &Config, path: &Path, place: &Path) -> Self {
        let text = |path: &Path| Value::text(path.to_string_lossy().into_owned());
        let name = |path: &Path| Value::text(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        let all = [
            (config.include_file_name, "log.file.name", name(path)),
            (config.include_file_path, "log.file.path", text(path)),
            (config.include_file_name_resolved, "log.file.name_resolved", name(place)),
            (config.include_file_path_resolved, "log.file.path_resolved", text(place)),
        ];
        let own = all.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, key, value)| (Cow::Borrowed(key), value));
        let fixed = |(key, value): (&String, &String)| (Cow::Owned(key.clone()), Value::text(value.clone()));
        let attributes = own.chain(config.attributes.iter().map(fixed)).collect();
        let mut resource: Map<'static> = config.resource.iter().map(fixed).collect();
        let path = operators::path_metadata(&path.to_string_lossy());
        let is_of_container = |operator: &crate::entries::settings::Operator| {
            operator.r#type == "container"
                && operator.add_metadata_from_filepath.unwrap_or(true)
                && operator.r#if.is_none()
        };
        // What all entries will say is there from the start, and shared.
        if let (Ok(pairs), true) = (&path, config.operators.first().is_some_and(is_of_container)) {
            pairs.iter().for_each(|(key, value)| crate::entries::entry::set(&mut resource, key.clone(), value.clone()));
        }
        Says { attributes, resource: Arc::new(resource), path }
    }

    /// The attributes, borrowed.
    pub(super) fn share(&self) -> Map<'_> {
        let share = |value: &'_ Value<'static>| match value {
            Value::Text(_) => None,
            other => Some(other.clone()),
        };
        let pair = |(key, value): &'_ (Cow<'static, str>, Value<'static>)| (key.clone(), share(value));
        let mut map: Map<'_> = Vec::with_capacity(self.attributes.len() + 4);
        for attribute in &self.attributes {
            let (key, other) = pair(attribute);
            let text = || Value::Text(Cow::Borrowed(attribute.1.as_text().unwrap_or_default()));
            map.push((key, other.unwrap_or_else(text)));
        }
        map
    }
}

impl Tailed {
    pub(super) fn new(inode: Inode, lineage: u64, path: PathBuf, place: PathBuf, config: &Config) -> Self {
        let says = Arc::new(Says::new(config, &path, &place));
        Tailed {
            inode,
            lineage,
            path,
            place,
            was: None,
            says,
            fingerprint: Fingerprint::default(),
            guard: Guard::default(),
            offset: 0,
            delivered: Position::default(),
            size: 0,
            longest: 0,
            scanned: 0,
            records: 0,
            source: None,
            packed: false,
            under_way: VecDeque::new(),
            is_ready: false,
            after: None,
            copied: None,
            gone: None,
            is_drained: false,
            partial: None,
            failing: None,
            skips: false,
            has_shrunk: false,
            is_checked: false,
            used: 0,
            seen: 0,
        }
    }

    pub(super) fn of(known: &Known, config: &Config) -> Self {
        // A link may lead elsewhere by now.
        let place = match known.place.as_os_str().is_empty() {
            true => std::fs::canonicalize(&known.path).unwrap_or_else(|_| known.path.clone()),
            false => known.place.clone(),
        };
        let inode = (known.device, known.inode);
        let mut file = Tailed::new(inode, known.lineage, known.path.clone(), place, config);
        file.fingerprint = known.fingerprint;
        file.guard = known.guard;
        file.offset = known.offset;
        file.records = known.records;
        file.delivered = Position { offset: known.offset, guard: known.guard, records: known.records };
        file.longest = known.size;
        file.packed = known.packed;
        file.after = known.after;
        file
    }

    pub(super) fn known(&self) -> Known {
        Known {
            device: self.inode.0,
            inode: self.inode.1,
            path: self.path.clone(),
            place: self.place.clone(),
            fingerprint: self.fingerprint,
            offset: self.delivered.offset,
            guard: self.delivered.guard,
            size: self.longest,
            packed: self.packed,
            lineage: self.lineage,
            after: self.after,
            records: self.delivered.records,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// A batch was delivered. What is behind one that was not does not count yet; gives whether something does now.
    pub(super) fn settle(&mut self, batch: u64) -> bool {
        self.under_way.iter_mut().filter(|(id, ..)| *id == batch).for_each(|(_, _, is_over)| *is_over = true);
        let before = self.under_way.len();
        while let Some((_, position, true)) = self.under_way.front().copied() {
            self.delivered = position;
            self.under_way.pop_front();
        }
        self.under_way.len() < before
    }

    /// There is less of it than was read: what was read behind that stays so.
    pub(super) fn shorten(&mut self, length: u64) {
        let places = self.under_way.iter_mut().map(|(_, position, _)| position).chain([&mut self.delivered]);
        for position in places.filter(|position| position.offset > length) {
            (position.offset, position.guard) = (length, Guard::default());
        }
        if self.offset > length {
            (self.offset, self.guard) = (length, Guard::default());
        }
        self.longest = self.longest.min(length);
    }

    /// It is read from its beginning, as something new.
    pub(super) fn restart(&mut self) {
        self.offset = 0;
        self.longest = 0;
        self.guard = Guard::default();
        self.fingerprint = Fingerprint::default();
        self.records = 0;
        self.partial = None;
        self.skips = false;
        self.has_shrunk = false;
        self.is_checked = false;
        self.delivered = Position::default();
    }

    /// Whether nothing came out of it for so long, though it was not read to its end.
    pub(super) fn is_stuck(&self, now: Instant, period: Duration) -> bool {
        let since = self.failing.or(self.partial.map(|(_, since)| since));
        since.is_some_and(|since| now.saturating_duration_since(since) >= period)
    }

    /// Bytes that were there and were not read.
    pub(super) fn unread(&self) -> u64 {
        self.longest.saturating_sub(self.offset)
    }

    /// How long it is now, where it can still be looked at and is no packed one.
    pub(super) fn length(&self) -> Option<u64> {
        let metadata = match &self.source {
            _ if self.packed => return None,
            Some(source) => source.metadata(),
            None => std::fs::metadata(&self.place),
        };
        metadata.ok().filter(|there| (there.dev(), there.ino()) == self.inode).map(|there| there.len())
    }

    pub(super) fn take_source(&mut self) {
        self.source = None;
        self.is_checked = false;
    }
}
