//! The storage of a real folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Storage;

/// A folder of a file system. What it writes is its owner's alone: it is what senders sent.
#[derive(Clone, Debug)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn new(folder: &Path) -> Self {
        Disk(folder.to_owned())
    }
}

impl Storage for Disk {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        File::options().append(true).create_new(true).mode(0o600).open(self.0.join(name))
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn truncate(&self, file: &mut File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        // The length is of what is needed to read the data, and so is synced with it.
        file.sync_data()
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.0.join(name))?.len())
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.0.join(name))?;
        let mut buffer = Vec::with_capacity(length);
        while buffer.len() < length {
            let from = offset + buffer.len() as u64;
            let room = rustix::buffer::spare_capacity(&mut buffer);
            if rustix::io::pread(&file, room, from)? == 0 {
                break;
            }
        }
        Ok(buffer)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }
}
