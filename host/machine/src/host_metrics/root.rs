//! Where the files of the machine are: at `/`, or below the place where its root is mounted.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use host_periodic::Missed;

/// No file of the kernel that is read here is larger.
const LIMIT: u64 = 64 << 20;

pub(super) struct Root {
    path: PathBuf,
    /// Whether this is the root of another mount namespace than that of this process.
    is_foreign: bool,
}

impl Root {
    pub(super) fn new(path: &Path) -> Self {
        let is_foreign = !path.as_os_str().is_empty() && path != Path::new("/");
        Root { path: if is_foreign { path.to_owned() } else { PathBuf::from("/") }, is_foreign }
    }

    /// Where something of the machine is; `path` starts at its root, with or without a slash.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// The process whose mounts and network are the machine's: the first one where its root is mounted here, and this one
    /// where there is no other.
    pub(super) fn of_process(&self, file: &str) -> PathBuf {
        self.at(&format!("proc/{}/{file}", if self.is_foreign { "1" } else { "self" }))
    }

    /// What a file says.
    ///
    /// # Errors
    /// Where it cannot be read; `points` are missed then.
    pub(super) fn read(&self, path: &Path, points: u64) -> Result<String, Missed> {
        read(path).map_err(|error| self.missed(path, &error, points))
    }

    /// What is said of a file that cannot be read.
    pub(super) fn missed(&self, path: &Path, error: &io::Error, points: u64) -> Missed {
        let way_out = match (error.kind(), self.is_foreign) {
            (io::ErrorKind::NotFound, true) => {
                "mount the root of the machine where `root_path` says, or leave this metric or scraper out"
            }
            (io::ErrorKind::PermissionDenied, _) => "let this process read it, or leave this metric or scraper out",
            _ => "leave this metric or scraper out where the kernel does not tell it",
        };
        Missed { points, ..Missed::new(path.display().to_string(), error.to_string(), way_out) }
    }

    /// What is said of a file whose content makes no sense.
    pub(super) fn unreadable(&self, path: &Path, points: u64) -> Missed {
        let problem = "what it says is not in the form that the kernel documents";
        let way_out = "leave this metric or scraper out, and report the file";
        Missed { points, ..Missed::new(path.display().to_string(), problem, way_out) }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    // A path in it may be no UTF-8; its bytes are lost to view then, and no other.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
