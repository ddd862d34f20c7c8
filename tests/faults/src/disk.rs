//! A small disk in memory, mounted where only this process and its children see it: it can be full, and read-only.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;

/// Gives this process mounts of its own; they vanish with it. To be called before there are threads.
pub(crate) fn own_mounts() -> Result<bool> {
    if !geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
        return Ok(false);
    }
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("mounts of our own")?;
    Ok(true)
}

pub(crate) struct Disk {
    path: PathBuf,
    mib: u32,
}

impl Disk {
    pub(crate) fn mount(path: &Path, mib: u32) -> Result<Disk> {
        fs::create_dir_all(path)?;
        let options = format!("size={mib}m,mode=0700");
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .with_context(|| format!("a disk at {}", path.display()))?;
        Ok(Disk { path: path.to_owned(), mib })
    }

    /// Shrinks to what is on it, so that nothing more fits.
    pub(crate) fn fill(&self) -> Result<()> {
        let now = statvfs(&self.path).with_context(|| self.to_string())?;
        let used = (now.blocks() - now.blocks_free()) * now.fragment_size();
        self.resize(used.max(now.fragment_size()))
    }

    pub(crate) fn free(&self) -> Result<()> {
        self.resize(u64::from(self.mib) << 20)
    }

    fn resize(&self, bytes: u64) -> Result<()> {
        let none: Option<&str> = None;
        let options = format!("size={bytes}");
        mount(none, &self.path, none, MsFlags::MS_REMOUNT, Some(options.as_str()))
            .with_context(|| format!("{self}: {bytes} bytes"))
    }

    /// Nobody may have a file of it open for writing.
    pub(crate) fn set_read_only(&self, read_only: bool) -> Result<()> {
        let none: Option<&str> = None;
        let flags = MsFlags::MS_REMOUNT | if read_only { MsFlags::MS_RDONLY } else { MsFlags::empty() };
        mount(none, &self.path, none, flags, none).with_context(|| format!("{self}: read-only {read_only}"))
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk at {}", self.path.display())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
