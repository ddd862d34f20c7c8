//! A journal grows by whole records: after a failed write it is as long as before.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// What a journal lies on.
pub(super) trait Storage: Write {
    /// Cuts it to `len` bytes; the next write goes there.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Waits until the disk has it.
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        // `/dev/stdout` or a pipe has no length: what is written there is gone.
        if !self.metadata()?.is_file() {
            return Ok(());
        }
        self.set_len(len)?;
        self.seek(SeekFrom::Start(len)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.metadata()?.is_file() { self.sync_data() } else { Ok(()) }
    }
}

/// Records on a storage.
pub(super) struct Journal<S> {
    storage: S,
    len: u64,
    /// Whether something may lie behind `len` that is no whole record.
    torn: bool,
}

impl<S: Storage> Journal<S> {
    /// A journal of the first `len` bytes of `storage`; what lies behind them is cut off.
    pub(super) fn new(mut storage: S, len: u64) -> io::Result<Self> {
        storage.cut(len)?;
        Ok(Journal { storage, len, torn: false })
    }

    /// As [`Journal::new`], but nothing is cut off before the first record is written: who opens a file may never come to
    /// write to it.
    pub(super) fn lazily(storage: S, len: u64) -> Self {
        Journal { storage, len, torn: true }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn storage(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Goes on behind the first `len` bytes; what lies behind them is cut off.
    pub(super) fn go_back(&mut self, len: u64) -> io::Result<()> {
        (self.len, self.torn) = (len, true);
        self.mend()
    }

    /// Appends `records` as a whole, or nothing of them.
    pub(super) fn append(&mut self, records: &[u8], sync: bool) -> io::Result<()> {
        self.mend()?;
        self.torn = true;
        let written = self.storage.write_all(records).and_then(|()| self.storage.flush());
        let written = written.and_then(|()| if sync { self.storage.sync() } else { Ok(()) });
        match written {
            Ok(()) => {
                self.len += records.len() as u64;
                self.torn = false;
                Ok(())
            }
            Err(error) => {
                // Where even that fails it is tried again before the next write.
                let _ = self.mend();
                Err(error)
            }
        }
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.storage.sync()
    }

    /// Cuts off what is no whole record.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.storage.cut(self.len)?;
            self.torn = false;
        }
        Ok(())
    }
}
