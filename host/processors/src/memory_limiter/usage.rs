//! What the process takes, and who can make it less.

use std::{fs, io};

/// The memory of a process. The binary, which has chosen the allocator, knows how to do this.
pub trait Memory: Send + Sync + 'static {
    /// Bytes that the process holds of the system, the allocator's free ones too.
    ///
    /// # Errors
    /// Where that cannot be read.
    fn resident(&self) -> io::Result<u64>;

    /// Bytes that receivers hold of requests that are not answered yet.
    fn in_flight(&self) -> u64;

    /// Has the allocator give back what is free.
    fn give_back(&self);
}

/// The memory of this process that is nobody else's and in no file: the heap, stacks, memories of guests. A count of the allocator's
/// own would be of less use: mimalloc goes on counting what it has given back.
///
/// # Errors
/// Where the kernel does not tell.
pub fn resident() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    anonymous(&status).ok_or_else(|| io::Error::other("there is no RssAnon in it"))
}

/// `RssAnon` of `/proc/self/status`, which says it in KiB whatever the page size.
pub(crate) fn anonymous(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
