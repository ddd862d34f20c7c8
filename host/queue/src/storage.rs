//! Storage is a folder of files that are appended to, and what makes what was appended last.
//!
//! It is all that the store knows of a disk, so that its tests can lose power.

mod disk;
#[cfg(test)]
pub(crate) mod testing;

use std::io;

pub(crate) use self::disk::Disk;

/// A folder. Nothing in it is written over, and no name comes twice.
pub(crate) trait Storage: Send + Sync + 'static {
    /// A file that is appended to.
    type File: Send;

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new file; an error where there is one of this name.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// What fails may have been written in part.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;

    /// Cuts off what stands behind the first `length` bytes.
    fn truncate(&self, file: &mut Self::File, length: u64) -> io::Result<()>;

    /// Returns when what was appended to the file will be there after a loss of power.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;

    /// Returns when the names of the folder will be there after a loss of power.
    fn sync_folder(&self) -> io::Result<()>;

    fn length(&self, name: &str) -> io::Result<u64>;

    /// What stands at `offset`, as much of `length` bytes as is there.
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    fn remove(&self, name: &str) -> io::Result<()>;
}
