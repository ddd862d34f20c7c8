//! The files of a cell: written to, rotated, packed and removed by one thread, which notes what lies where.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::agent::OpenFiles;
use super::truth::{AGENTS, Epoch, Gone, Line, Truth};
use super::{Rotation, folder};
use crate::payload::Number;

const FOLDERS: usize = 10;
const FILES: usize = 10;
/// Rotated files that stay.
const KEPT: usize = 4;
const TICK: Duration = Duration::from_millis(100);
/// Lines that a file gets in a tick at most.
const LINES: usize = 3;
const PADDING: usize = 300;
/// Between two rotations of a file, in milliseconds.
const BETWEEN: std::ops::Range<u32> = 4_000..12_000;
/// How long what was rotated is still written to.
const LINGER: std::ops::Range<u32> = 0..400;
/// When it is packed after that.
const PACKED_AFTER: std::ops::Range<u32> = 500..4_000;
/// How long a packed file stands there in part.
const PACKING: std::ops::Range<u32> = 100..600;

type Inode = (u64, u64);

pub(super) struct Files {
    rotation: Rotation,
    epoch: Epoch,
    rng: Rng,
    open: [OpenFiles; AGENTS],
    truth: Truth,
    folders: Vec<Folder>,
    padding: String,
}

struct Folder {
    path: PathBuf,
    /// Whether rotated files match the agents' pattern, too.
    is_wide: bool,
    /// Whether the newest is always number 1, as logrotate has it, or each has a date, as kubelet has it.
    is_numbered: bool,
    files: Vec<Log>,
    next_swap: u32,
    swaps: u32,
    old: VecDeque<OldFolder>,
}

/// What a link led to, and when that is removed.
struct OldFolder {
    path: PathBuf,
    bodies: Vec<(usize, Inode)>,
    remove_at: u32,
}

struct Log {
    stream: usize,
    path: PathBuf,
    handle: File,
    body: usize,
    /// The rest of a line that is there in part, and how long all of it is.
    rest: Option<(String, usize)>,
    /// When the writer opens the file anew, where it was rotated.
    reopen_at: Option<u32>,
    next_rotation: u32,
    rotations: u32,
    rotated: VecDeque<Rotated>,
}

struct Rotated {
    path: PathBuf,
    body: usize,
    /// What the lines lie in, and what they lay in and somebody has open still.
    inodes: Vec<Inode>,
    packing: Packing,
}

enum Packing {
    Never,
    Due(u32),
    /// The packed file is there in part: what is missing of it, and when that comes.
    Half(Vec<u8>, u32),
}

fn inode(path: &Path) -> Result<Inode> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok((metadata.dev(), metadata.ino()))
}

fn opened(path: &Path) -> Result<File> {
    File::options().append(true).create(true).open(path).with_context(|| path.display().to_string())
}

/// A name with something behind it.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Files {
    pub(super) fn new(
        logs: &Path,
        rotation: Rotation,
        seed: u64,
        epoch: Epoch,
        open: [OpenFiles; AGENTS],
    ) -> Result<Files> {
        let mut rng = Rng::with_seed(seed);
        let padding = std::iter::repeat_with(|| rng.alphanumeric()).take(PADDING).collect();
        let mut files = Files { rotation, epoch, rng, open, truth: Truth::default(), folders: Vec::new(), padding };
        for at in 0..FOLDERS {
            let is_wide = at >= FOLDERS / 2;
            let path = folder(logs.join(format!("{}{at}", if is_wide { 'w' } else { 'n' })))?;
            let next_swap = files.soon();
            let mut made = Folder {
                path,
                is_wide,
                is_numbered: at % 2 == 0,
                files: Vec::new(),
                next_swap,
                swaps: 0,
                old: VecDeque::new(),
            };
            if rotation == Rotation::Symlink {
                folder(made.path.join("..v0"))?;
                symlink("..v0", made.path.join("..data"))?;
            }
            for name in 0..FILES {
                let path = made.path.join(format!("app-{name}.log"));
                if rotation == Rotation::Symlink {
                    symlink(format!("..data/app-{name}.log"), &path)?;
                }
                files.truth.lines.push(Vec::new());
                made.files.push(Log {
                    stream: at * FILES + name,
                    handle: opened(&path)?,
                    path,
                    body: files.truth.new_body(epoch.now()),
                    rest: None,
                    reopen_at: None,
                    next_rotation: files.soon(),
                    rotations: 0,
                    rotated: VecDeque::new(),
                });
            }
            files.folders.push(made);
        }
        Ok(files)
    }

    fn soon(&mut self) -> u32 {
        self.epoch.now() + self.rng.u32(1_000..BETWEEN.end)
    }

    /// Writes and rotates until it is time; then all is open, whole, and stays as it is.
    pub(super) fn run(mut self, lasts: Duration) -> Result<Truth> {
        let end = self.epoch.now() + lasts.as_millis() as u32;
        let mut folders = std::mem::take(&mut self.folders);
        while self.epoch.now() < end {
            let before = self.epoch.now();
            for folder in &mut folders {
                self.tick(folder)?;
            }
            std::thread::sleep(TICK);
            self.truth.stall = self.truth.stall.max(self.epoch.now() - before);
        }
        for file in folders.iter_mut().flat_map(|folder| &mut folder.files) {
            self.finish_line(file)?;
        }
        Ok(self.truth)
    }

    fn tick(&mut self, folder: &mut Folder) -> Result<()> {
        let mut files = std::mem::take(&mut folder.files);
        for file in &mut files {
            self.finish_line(file)?;
            if file.reopen_at.is_some_and(|at| self.epoch.now() >= at) {
                file.handle = opened(&file.path)?;
                file.body = self.truth.new_body(self.epoch.now());
                file.reopen_at = None;
            }
            self.write(file)?;
            self.pack(folder, file)?;
            let is_due = file.reopen_at.is_none() && self.epoch.now() >= file.next_rotation;
            if is_due && self.rotation != Rotation::Symlink {
                self.rotate(folder, file)?;
            }
        }
        folder.files = files;
        if self.rotation == Rotation::Symlink {
            self.swap(folder)?;
        }
        Ok(())
    }

    /// Some lines, the last of them in part now and then.
    fn write(&mut self, file: &mut Log) -> Result<()> {
        for _ in 0..self.rng.usize(0..=LINES) {
            self.write_line(file)?;
        }
        if self.rng.u8(0..10) == 0 {
            let line = self.next_line(file);
            let (first, rest) = line.split_at(self.rng.usize(1..line.len()));
            file.handle.write_all(first.as_bytes())?;
            file.rest = Some((rest.to_owned(), line.len()));
        }
        Ok(())
    }

    fn next_line(&mut self, file: &Log) -> String {
        let place = self.truth.lines[file.stream].len();
        Number { stream: file.stream, place }.line(&self.padding[..self.rng.usize(10..PADDING)])
    }

    fn write_line(&mut self, file: &mut Log) -> Result<()> {
        let line = self.next_line(file);
        file.handle.write_all(line.as_bytes())?;
        self.wrote(file, line.len());
        Ok(())
    }

    fn wrote(&mut self, file: &Log, bytes: usize) {
        let line = Line { body: file.body, bytes: bytes as u32, at: self.epoch.now() };
        self.truth.lines[file.stream].push(line);
    }

    fn finish_line(&mut self, file: &mut Log) -> Result<()> {
        let Some((rest, length)) = file.rest.take() else { return Ok(()) };
        file.handle.write_all(rest.as_bytes())?;
        self.wrote(file, length);
        Ok(())
    }

    fn rotate(&mut self, folder: &Folder, file: &mut Log) -> Result<()> {
        self.truth.rotations += 1;
        file.rotations += 1;
        file.next_rotation = self.epoch.now() + self.rng.u32(BETWEEN);
        self.finish_line(file)?;
        let inode = inode(&file.path)?;
        if self.rotation == Rotation::Delete {
            fs::remove_file(&file.path)?;
            self.is_gone(file.body, &[inode]);
            file.reopen_at = Some(self.epoch.now() + self.rng.u32(LINGER));
            return Ok(());
        }
        let to = self.make_place(folder, file)?;
        if self.rotation == Rotation::Copytruncate {
            return self.copy_and_truncate(folder, file, to);
        }
        fs::rename(&file.path, &to)?;
        self.leaves_name(folder, file.body);
        let reopen_at = self.epoch.now() + self.rng.u32(LINGER);
        file.reopen_at = Some(reopen_at);
        let packing = match self.rotation {
            Rotation::Compress => Packing::Due(reopen_at + self.rng.u32(PACKED_AFTER)),
            _ => Packing::Never,
        };
        file.rotated.push_front(Rotated { path: to, body: file.body, inodes: vec![inode], packing });
        Ok(())
    }

    /// What is written between the copy and the cut is in neither.
    fn copy_and_truncate(&mut self, folder: &Folder, file: &mut Log, to: PathBuf) -> Result<()> {
        fs::copy(&file.path, &to)?;
        let copied = file.body;
        if self.rng.u8(0..4) == 0 {
            file.body = self.truth.new_body(self.truth.bodies[copied].from);
            self.write_line(file)?;
            file.handle.set_len(0)?;
            self.is_gone(file.body, &[]);
        } else {
            file.handle.set_len(0)?;
        }
        self.leaves_name(folder, copied);
        file.body = self.truth.new_body(self.epoch.now());
        let inodes = vec![inode(&to)?];
        file.rotated.push_front(Rotated { path: to, body: copied, inodes, packing: Packing::Never });
        Ok(())
    }

    fn leaves_name(&mut self, folder: &Folder, body: usize) {
        if !folder.is_wide {
            self.truth.bodies[body].until = Some(self.epoch.now());
        }
    }

    /// Where the next rotated file goes: those before it move on, and the oldest is removed.
    fn make_place(&mut self, folder: &Folder, file: &mut Log) -> Result<PathBuf> {
        while let Some(mut oldest) = (file.rotated.len() >= KEPT).then(|| file.rotated.pop_back()).flatten() {
            self.pack_whole(folder, &mut oldest)?;
            fs::remove_file(&oldest.path)?;
            self.is_gone(oldest.body, &oldest.inodes);
        }
        if !folder.is_numbered {
            return Ok(with(&file.path, &format!(".20261127-{:06}", file.rotations)));
        }
        for at in (0..file.rotated.len()).rev() {
            if matches!(file.rotated[at].packing, Packing::Half(..)) {
                self.pack_whole(folder, &mut file.rotated[at])?;
            }
            let is_packed = file.rotated[at].path.extension().is_some_and(|extension| extension == "gz");
            let to = with(&file.path, &format!(".{}{}", at + 2, if is_packed { ".gz" } else { "" }));
            fs::rename(&file.rotated[at].path, &to)?;
            file.rotated[at].path = to;
        }
        Ok(with(&file.path, ".1"))
    }

    fn is_gone(&mut self, body: usize, inodes: &[Inode]) {
        let held = self.open.each_ref().map(|open| inodes.iter().any(|inode| open.have(*inode)));
        self.truth.bodies[body].gone = Some(Gone { at: self.epoch.now(), held });
    }

    fn pack(&mut self, folder: &Folder, file: &mut Log) -> Result<()> {
        let now = self.epoch.now();
        for rotated in &mut file.rotated {
            match rotated.packing {
                Packing::Due(at) if at <= now => self.pack_half(folder, rotated)?,
                Packing::Half(_, at) if at <= now => self.pack_whole(folder, rotated)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// logrotate has the packed file grow under its name, kubelet has it there at once.
    fn pack_half(&mut self, folder: &Folder, rotated: &mut Rotated) -> Result<()> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&fs::read(&rotated.path)?)?;
        let mut packed = encoder.finish()?;
        let rest = packed.split_off(self.rng.usize(0..packed.len()));
        fs::write(packing_path(folder, rotated), packed)?;
        rotated.packing = Packing::Half(rest, self.epoch.now() + self.rng.u32(PACKING));
        Ok(())
    }

    fn pack_whole(&mut self, folder: &Folder, rotated: &mut Rotated) -> Result<()> {
        let Packing::Half(rest, _) = &rotated.packing else { return Ok(()) };
        let (beside, to) = (packing_path(folder, rotated), with(&rotated.path, ".gz"));
        File::options().append(true).open(&beside)?.write_all(rest)?;
        if beside != to {
            fs::rename(&beside, &to)?;
        }
        fs::remove_file(&rotated.path)?;
        // Whoever has it open as it was has it still.
        rotated.inodes.retain(|inode| self.open.iter().any(|open| open.have(*inode)));
        rotated.inodes.push(inode(&to)?);
        (rotated.path, rotated.packing) = (to, Packing::Never);
        Ok(())
    }

    fn swap(&mut self, folder: &mut Folder) -> Result<()> {
        while let Some(old) = folder.old.pop_front_if(|old| self.epoch.now() >= old.remove_at) {
            fs::remove_dir_all(&old.path)?;
            for (body, inode) in old.bodies {
                self.is_gone(body, &[inode]);
            }
        }
        if self.epoch.now() < folder.next_swap {
            return Ok(());
        }
        self.truth.rotations += 1;
        folder.swaps += 1;
        folder.next_swap = self.epoch.now() + self.rng.u32(BETWEEN);
        let (name, old) = (format!("..v{}", folder.swaps), folder.path.join(format!("..v{}", folder.swaps - 1)));
        let new = super::folder(folder.path.join(&name))?;
        let mut bodies = Vec::new();
        for file in &mut folder.files {
            self.finish_line(file)?;
            bodies.push((file.body, inode(&file.path)?));
            let name = file.path.file_name().context("a file has a name")?;
            file.handle = opened(&new.join(name))?;
            file.body = self.truth.new_body(self.epoch.now());
            self.write_line(file)?;
        }
        let beside = folder.path.join("..new");
        symlink(&name, &beside)?;
        fs::rename(&beside, folder.path.join("..data"))?;
        let now = self.epoch.now();
        for (body, _) in &bodies {
            self.truth.bodies[*body].until = Some(now);
        }
        for file in &folder.files {
            self.truth.bodies[file.body].from = now;
        }
        // kubelet removes it at once.
        let remove_at = if self.rng.bool() { now } else { now + self.rng.u32(BETWEEN) };
        folder.old.push_back(OldFolder { path: old, bodies, remove_at });
        Ok(())
    }
}

fn packing_path(folder: &Folder, rotated: &Rotated) -> PathBuf {
    with(&rotated.path, if folder.is_numbered { ".gz" } else { ".tmp" })
}
