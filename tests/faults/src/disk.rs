//! A small disk for a collector's queues, in a file: it can be full, fail under a running collector, and lose its power.
//!
//! It is mounted where only this process and its children see it. A disk that fails is ext4's own: after `remount,abort`
//! every write is refused as on a read-only file system, the journal takes no more, and what was not synced until then is gone
//! when it is mounted again. That is what a power cut leaves, too.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;
use tokio::time::{Instant, sleep};

const BALLAST: &str = "ballast";
/// How long a disk may be busy after the last process that used it is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives this process mounts of its own; they vanish with it. To be called before there are threads.
pub(crate) fn own_mounts() -> Result<bool> {
    if !geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
        return Ok(false);
    }
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("mounts of our own")?;
    let makes = Command::new("mkfs.ext4").arg("-V").stderr(Stdio::null()).status();
    Ok(makes.is_ok_and(|status| status.success()))
}

pub(crate) struct Disk {
    image: PathBuf,
    path: PathBuf,
}

impl Disk {
    /// Makes a disk and mounts it at `path`.
    pub(crate) fn new(path: &Path, mib: u32) -> Result<Disk> {
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
        let disk = Disk { image: path.with_extension("image"), path: path.to_owned() };
        File::create(&disk.image).and_then(|image| image.set_len(u64::from(mib) << 20)).context("a disk's image")?;
        // Nothing is kept back for root, so that a full disk is full for us.
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&disk.image))?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<()> {
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop,noatime"]).arg(&self.image).arg(&self.path))
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) -> Result<()> {
        let ballast = File::create(self.path.join(BALLAST)).with_context(|| self.to_string())?;
        let (mut offset, mut piece) = (0, 64 << 20);
        while piece >= 4096 {
            match fallocate(&ballast, FallocateFlags::empty(), offset, piece) {
                Ok(()) => offset += piece,
                Err(Errno::ENOSPC) => piece /= 2,
                Err(problem) => return Err(problem).with_context(|| self.to_string()),
            }
        }
        Ok(())
    }

    pub(crate) fn free(&self) -> Result<()> {
        std::fs::remove_file(self.path.join(BALLAST)).with_context(|| self.to_string())
    }

    /// From here on it is read-only, whoever has files of it open.
    pub(crate) fn fail(&self) -> Result<()> {
        let none: Option<&str> = None;
        mount(none, &self.path, none, MsFlags::MS_REMOUNT, Some("abort")).with_context(|| self.to_string())
    }

    /// Checks and mounts it as a machine does that starts again, with what had been synced when it failed.
    pub(crate) async fn recover(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            match umount2(&self.path, MntFlags::empty()) {
                Ok(()) => break,
                Err(Errno::EBUSY) if Instant::now() < end => sleep(Duration::from_millis(20)).await,
                Err(problem) => return Err(problem).with_context(|| self.to_string()),
            }
        }
        // It has found and mended something where it says 1.
        let mut check = Command::new("e2fsck");
        check.arg("-fy").arg(&self.image).stdout(Stdio::null()).stderr(Stdio::null());
        let status = check.status().context("e2fsck")?;
        ensure!(matches!(status.code(), Some(0 | 1)), "e2fsck ended with {status}");
        self.mount()
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk at {}", self.path.display())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
        let _ = std::fs::remove_file(&self.image);
    }
}

#[cfg(test)]
mod tests;
