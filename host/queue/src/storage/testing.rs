//! A storage in memory that fails when it is told to, and loses what was not synced when the power is lost.
//!
//! Of what was appended and not synced, blocks come back in any subset: a later one may be there and an earlier one not,
//! which then reads as zeros. Names that were not synced may be there or not; files that were removed may be back.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Storage;

const BLOCK: usize = 64;

/// Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Shim(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    /// What the folder holds, and what it holds for good.
    names: BTreeMap<String, Inode>,
    synced_names: BTreeMap<String, Inode>,
    files: BTreeMap<Inode, File>,
    next: Inode,
    /// So many calls are left before the power is lost: nothing works from then on.
    pub(crate) calls_left: Option<u64>,
    /// So many bytes may still be appended.
    pub(crate) room: Option<u64>,
    /// The next sync of a file fails, and what it was to make last is gone.
    pub(crate) fails_sync: bool,
    pub(crate) fails_folder_sync: bool,
    /// Reads fail with this error of the kernel's.
    pub(crate) fails_read: Option<i32>,
    /// Files that were synced after a sync of theirs had failed.
    pub(crate) retried: Vec<String>,
    /// All that was appended.
    pub(crate) written: u64,
}

type Inode = u64;

#[derive(Clone, Default)]
struct File {
    name: String,
    content: Vec<u8>,
    /// The first bytes of the content that are there for good.
    synced: usize,
    /// What the file may still be longer, where it was cut and that was not synced.
    cut: Vec<u8>,
    has_failed: bool,
}

impl Shim {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What is there when the power is back.
    pub(crate) fn lose_power(&self, random: &mut fastrand::Rng) -> Shim {
        let state = self.state();
        let mut after = State::default();
        let all: Vec<&String> = state.names.keys().chain(state.synced_names.keys()).collect();
        for name in all {
            let (now, synced) = (state.names.get(name), state.synced_names.get(name));
            let kept = if random.bool() { now } else { synced };
            let Some(inode) = kept.filter(|_| !after.names.contains_key(name)) else { continue };
            let mut file = state.files[inode].clone();
            if random.bool() {
                let cut = std::mem::take(&mut file.cut);
                file.content.extend(cut);
            }
            let length = file.synced + random.usize(..=file.content.len() - file.synced);
            file.content.truncate(length);
            let mut at = file.synced;
            while at < length {
                let end = ((at / BLOCK + 1) * BLOCK).min(length);
                if random.u8(..4) == 0 {
                    file.content[at..end].fill(0);
                }
                at = end;
            }
            file = File { synced: length, name: name.clone(), content: file.content, ..File::default() };
            after.names.insert(name.clone(), *inode);
            after.files.insert(*inode, file);
        }
        after.synced_names = after.names.clone();
        after.next = state.next;
        Shim(Arc::new(Mutex::new(after)))
    }

    /// Changes a byte.
    pub(crate) fn damage(&self, name: &str, at: usize) {
        let mut state = self.state();
        let inode = state.names[name];
        state.files.get_mut(&inode).unwrap().content[at] ^= 0x55;
    }

    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[&state.names[name]].content.clone()
    }

    /// A file of a program that was here before.
    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let mut file = self.create(name).unwrap();
        self.append(&mut file, content).unwrap();
        self.sync(&mut file).unwrap();
        self.sync_folder().unwrap();
    }
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        match &mut self.calls_left {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn file(&mut self, inode: Inode) -> &mut File {
        self.files.get_mut(&inode).unwrap()
    }
}

impl Storage for Shim {
    type File = Inode;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Inode> {
        let mut state = self.state();
        state.call()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.next;
        state.next += 1;
        state.names.insert(name.to_owned(), inode);
        state.files.insert(inode, File { name: name.to_owned(), ..File::default() });
        Ok(inode)
    }

    fn append(&self, file: &mut Inode, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        let fits = state.room.map_or(bytes.len(), |room| bytes.len().min(usize::try_from(room).unwrap()));
        if let Some(room) = &mut state.room {
            *room -= fits as u64;
        }
        state.written += fits as u64;
        state.file(*file).content.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, file: &mut Inode, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        let file = state.file(*file);
        let length = usize::try_from(length).unwrap();
        file.cut = file.content.split_off(length);
        file.synced = file.synced.min(length);
        Ok(())
    }

    fn sync(&self, file: &mut Inode) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        let fails = std::mem::take(&mut state.fails_sync);
        let file = state.file(*file);
        if file.has_failed {
            let name = file.name.clone();
            state.retried.push(name);
            return Ok(());
        }
        if fails {
            // The kernel forgets that it was not written: the next sync would tell of success.
            file.has_failed = true;
            return Err(io::Error::from_raw_os_error(5));
        }
        file.synced = file.content.len();
        file.cut.clear();
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        if std::mem::take(&mut state.fails_folder_sync) {
            return Err(io::Error::from_raw_os_error(5));
        }
        state.synced_names = state.names.clone();
        Ok(())
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let state = self.state();
        let inode = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files[inode].content.len() as u64)
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.state();
        if let Some(error) = state.fails_read {
            return Err(io::Error::from_raw_os_error(error));
        }
        let inode = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let content = &state.files[inode].content;
        let start = usize::try_from(offset).unwrap().min(content.len());
        Ok(content[start..content.len().min(start + length)].to_vec())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        state.names.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
