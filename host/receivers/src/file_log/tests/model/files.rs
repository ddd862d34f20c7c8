//! The files that are written to, rotated, packed and removed, and a look in between where it is asked for.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::truth::Truth;

/// Rotated files that stay.
const KEPT: usize = 4;
/// How long what was moved is still written to at most.
const LINGER: u64 = 800;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Rename,
    Copytruncate,
    Compress,
    Delete,
}

/// How the files of a run are rotated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) way: Way,
    /// Whether rotated files match the pattern, too.
    pub(super) is_wide: bool,
    /// Whether the newest is always number 1, or each has a date.
    pub(super) is_numbered: bool,
}

pub(super) struct Files {
    manner: Manner,
    logs: Vec<Log>,
    now: u64,
    pub(super) truth: Truth,
    written: usize,
}

struct Log {
    path: PathBuf,
    /// Where the writer writes to, which may be moved already.
    writes_to: PathBuf,
    /// When it was moved.
    moved: u64,
    body: usize,
    rest: Option<(String, String)>,
    rotations: u32,
    rotated: VecDeque<Rotated>,
}

struct Rotated {
    path: PathBuf,
    body: usize,
    inodes: Vec<(u64, u64)>,
    /// What is missing of the packed file, and where that is.
    half: Option<(PathBuf, Vec<u8>)>,
    is_packed: bool,
}

/// A name with something behind it.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn append(path: &Path, content: impl AsRef<[u8]>) {
    File::options().append(true).create(true).open(path).unwrap().write_all(content.as_ref()).unwrap();
}

fn inode(path: &Path) -> (u64, u64) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.dev(), metadata.ino())
}

/// Whether somebody has one of these open; the writer has nothing open, so that it is the tailer.
fn is_held(inodes: &[(u64, u64)]) -> bool {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter_map(|entry| fs::metadata(entry.path()).ok()).any(|file| inodes.contains(&(file.dev(), file.ino())))
}

impl Files {
    pub(super) fn new(folder: &Path, manner: Manner, count: usize) -> Self {
        let mut truth = Truth::default();
        let log = |at: usize| {
            let path = folder.join(format!("app-{at}.log"));
            append(&path, "");
            Log {
                writes_to: path.clone(),
                path,
                moved: 0,
                body: truth.new_body(),
                rest: None,
                rotations: 0,
                rotated: VecDeque::new(),
            }
        };
        let logs = (0..count).map(log).collect();
        Files { manner, logs, now: 0, truth, written: 0 }
    }

    /// Time passes; who writes opens its file anew a while after that was moved.
    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
        for file in 0..self.logs.len() {
            if self.now - self.logs[file].moved > LINGER {
                self.reopen(file);
            }
        }
    }

    /// The tailer looked at what is there.
    pub(super) fn looked(&mut self) {
        for log in &self.logs {
            if log.writes_to == log.path {
                self.truth.looked(log.body);
            }
            if self.manner.is_wide {
                log.rotated.iter().for_each(|rotated| self.truth.looked(rotated.body));
            }
        }
    }

    fn line(&mut self, file: usize, length: usize) -> String {
        self.written += 1;
        format!("{file} {} {}\n", self.written, "x".repeat(length))
    }

    pub(super) fn write(&mut self, file: usize, length: usize) {
        self.finish_line(file);
        let line = self.line(file, length);
        let log = &self.logs[file];
        append(&log.writes_to, &line);
        self.truth.wrote(log.body, &line);
    }

    pub(super) fn write_part(&mut self, file: usize, length: usize) {
        self.finish_line(file);
        let line = self.line(file, length);
        let (first, rest) = line.split_at(line.len() / 2);
        let log = &mut self.logs[file];
        append(&log.writes_to, first);
        log.rest = Some((line.clone(), rest.to_owned()));
    }

    pub(super) fn finish_line(&mut self, file: usize) {
        let log = &mut self.logs[file];
        let Some((line, rest)) = log.rest.take() else { return };
        append(&log.writes_to, rest);
        self.truth.wrote(log.body, &line);
    }

    /// The writer opens its file anew, where that was moved.
    pub(super) fn reopen(&mut self, file: usize) {
        self.finish_line(file);
        let log = &mut self.logs[file];
        if log.writes_to != log.path {
            log.writes_to = log.path.clone();
            append(&log.path, "");
            log.body = self.truth.new_body();
        }
    }

    /// Rotates, and calls `between` at every point at which a tailer may look.
    pub(super) fn rotate(&mut self, file: usize, between: &mut dyn FnMut(&mut Self)) {
        self.reopen(file);
        self.logs[file].rotations += 1;
        let (path, body) = (self.logs[file].path.clone(), self.logs[file].body);
        let own = inode(&path);
        if self.manner.way == Way::Delete {
            fs::remove_file(&path).unwrap();
            self.is_gone(body, &[own]);
            self.logs[file].body = self.truth.new_body();
            between(self);
            append(&path, "");
            return;
        }
        let to = self.make_place(file, between);
        if self.manner.way == Way::Copytruncate {
            return self.copy_and_cut(file, &to, between);
        }
        fs::rename(&path, &to).unwrap();
        let log = &mut self.logs[file];
        log.writes_to.clone_from(&to);
        log.moved = self.now;
        log.rotated.push_front(Rotated { path: to, body, inodes: vec![own], half: None, is_packed: false });
    }

    fn copy_and_cut(&mut self, file: usize, to: &Path, between: &mut dyn FnMut(&mut Self)) {
        let (path, copied) = (self.logs[file].path.clone(), self.logs[file].body);
        let content = fs::read(&path).unwrap();
        append(to, "");
        between(self);
        append(to, &content[..content.len() / 2]);
        between(self);
        append(to, &content[content.len() / 2..]);
        between(self);
        // What is written between the copy and the cut is in neither.
        if self.written.is_multiple_of(4) {
            self.logs[file].body = self.truth.new_body();
            self.write(file, 50);
            self.truth.lost(self.logs[file].body);
        }
        let inodes = vec![inode(to)];
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        self.logs[file].body = self.truth.new_body();
        let copy = Rotated { path: to.to_owned(), body: copied, inodes, half: None, is_packed: false };
        self.logs[file].rotated.push_front(copy);
    }

    /// Where the next rotated file goes: those before it move on, and the oldest is removed.
    fn make_place(&mut self, file: usize, between: &mut dyn FnMut(&mut Self)) -> PathBuf {
        while self.logs[file].rotated.len() >= KEPT {
            self.pack_whole(file, KEPT - 1);
            let oldest = self.logs[file].rotated.pop_back().unwrap();
            fs::remove_file(&oldest.path).unwrap();
            self.is_gone(oldest.body, &oldest.inodes);
            between(self);
        }
        let log = &self.logs[file];
        if !self.manner.is_numbered {
            return with(&log.path, &format!(".20261127-{:06}", log.rotations));
        }
        for at in (0..self.logs[file].rotated.len()).rev() {
            self.pack_whole(file, at);
            let log = &mut self.logs[file];
            let suffix = if log.rotated[at].is_packed { ".gz" } else { "" };
            let to = with(&log.path, &format!(".{}{suffix}", at + 2));
            fs::rename(&log.rotated[at].path, &to).unwrap();
            log.rotated[at].path = to;
            between(self);
        }
        with(&self.logs[file].path, ".1")
    }

    fn is_gone(&mut self, body: usize, inodes: &[(u64, u64)]) {
        if !is_held(inodes) {
            self.truth.lost(body);
        }
    }

    /// Nobody has any more what is gone.
    pub(super) fn killed(&mut self) {
        let there: Vec<usize> =
            self.logs.iter().flat_map(|log| log.rotated.iter().map(|rotated| rotated.body).chain([log.body])).collect();
        self.truth.killed(&there);
    }

    /// Goes on with packing the oldest that is not packed yet.
    pub(super) fn pack(&mut self, file: usize, cut: usize) {
        let log = &self.logs[file];
        if self.manner.way != Way::Compress {
            return;
        }
        let is_written_to = |at: usize| log.rotated[at].path == log.writes_to;
        let Some(at) = (0..log.rotated.len()).rev().find(|at| !log.rotated[*at].is_packed) else { return };
        if is_written_to(at) {
            return;
        }
        if log.rotated[at].half.is_some() {
            return self.pack_whole(file, at);
        }
        let rotated = &mut self.logs[file].rotated[at];
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&fs::read(&rotated.path).unwrap()).unwrap();
        let mut packed = encoder.finish().unwrap();
        let rest = packed.split_off(cut % packed.len());
        let beside = with(&rotated.path, if self.manner.is_numbered { ".gz" } else { ".tmp" });
        fs::write(&beside, packed).unwrap();
        rotated.half = Some((beside, rest));
    }

    fn pack_whole(&mut self, file: usize, at: usize) {
        let rotated = &mut self.logs[file].rotated[at];
        let Some((beside, rest)) = rotated.half.take() else { return };
        append(&beside, rest);
        let to = with(&rotated.path, ".gz");
        fs::rename(&beside, &to).unwrap();
        fs::remove_file(&rotated.path).unwrap();
        rotated.inodes.retain(|inode| is_held(&[*inode]));
        rotated.inodes.push(inode(&to));
        (rotated.path, rotated.is_packed) = (to, true);
    }
}
