//! A collector's own wall clock, which can be set without touching the machine's: libfaketime with an offset in a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

pub(crate) struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// `None` where libfaketime is not installed.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Option<Clock>> {
        let Some(library) = LIBRARIES.iter().map(PathBuf::from).find(|library| library.is_file()) else {
            return Ok(None);
        };
        let clock = Clock { library, offset: folder.join(format!("{name}.clock")) };
        clock.step(0)?;
        Ok(Some(clock))
    }

    /// Sets the clock so many seconds beside the machine's; that is seen within a second.
    pub(crate) fn step(&self, seconds: i64) -> Result<()> {
        // A half-written offset would be another one.
        let new = self.offset.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n"))
            .and_then(|()| std::fs::rename(&new, &self.offset))
            .context("the offset of a clock")
    }

    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", &self.offset);
        // Timeouts go by the monotonic clock, which no administrator sets.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
    }
}
