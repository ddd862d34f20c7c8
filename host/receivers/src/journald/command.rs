//! `journalctl`: what it is asked, and how it is started.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;

use super::config::Config;
use super::progress::Cursor;

/// What a journal's last entry is asked with.
const LAST: [&str; 3] = ["--lines=0", "--show-cursor", "--quiet"];
/// What stands before the cursor in the answer.
const CURSOR: &str = "-- cursor: ";

/// How `journalctl` is called.
pub(super) struct Journalctl {
    path: OsString,
    root: Option<OsString>,
    /// Which journal is read.
    source: Vec<OsString>,
    /// Which of its entries are.
    filters: Vec<OsString>,
}

impl Journalctl {
    pub(super) fn new(config: &Config) -> Self {
        let mut source = Vec::new();
        if let Some(directory) = &config.directory {
            source.extend(["--directory".into(), directory.into()]);
        }
        for file in &config.files {
            source.extend(["--file".into(), file.into()]);
        }
        if !config.namespace.is_empty() {
            source.extend(["--namespace".into(), config.namespace.as_str().into()]);
        }
        if config.merge {
            source.push("--merge".into());
        }
        let mut filters: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: &str| filters.extend([name.into(), value.into()]);
        config.units.iter().for_each(|unit| option("--unit", unit));
        config.identifiers.iter().for_each(|identifier| option("--identifier", identifier));
        if !config.priority.is_empty() {
            option("--priority", &config.priority);
        }
        if !config.grep.is_empty() {
            option("--grep", &config.grep);
        }
        if config.dmesg {
            filters.push("--dmesg".into());
        }
        if config.all {
            filters.push("--all".into());
        }
        // What follows is no option, whatever it begins with.
        filters.push("--".into());
        for (at, fields) in config.matches.iter().enumerate() {
            if at > 0 {
                filters.push("+".into());
            }
            filters.extend(fields.iter().map(|(name, value)| format!("{name}={value}").into()));
        }
        let root = Some(&config.root_path).filter(|root| !root.is_empty()).map(OsString::from);
        Journalctl { path: config.journalctl_path.as_str().into(), root, source, filters }
    }

    /// What it is called with to follow the journal, from behind an entry or from its beginning.
    pub(super) fn follow_args(&self, after: Option<&Cursor>) -> Vec<OsString> {
        // Without `--no-tail` it passes over what lies between the cursor and the last few entries.
        let mut args: Vec<OsString> = ["--utc", "--output=json", "--follow", "--no-tail"].map(OsString::from).into();
        if let Some(cursor) = after {
            args.extend(["--after-cursor".into(), cursor.as_str().into()]);
        }
        args.extend(self.source.iter().chain(&self.filters).cloned());
        args
    }

    /// Follows the journal. Its output is read by whoever has the child, with which it ends.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub(super) async fn follow(&self, after: Option<&Cursor>) -> io::Result<Child> {
        self.spawn(self.follow_args(after)).await
    }

    /// The last entry that is there now; none where the journal is empty.
    ///
    /// # Errors
    /// Where it cannot be started, or has failed.
    pub(super) async fn last(&self) -> io::Result<Option<Cursor>> {
        let args = LAST.iter().map(OsString::from).chain(self.source.iter().cloned()).collect();
        let output = self.spawn(args).await?.wait_with_output().await?;
        let told = String::from_utf8_lossy(&output.stdout);
        let found = told.lines().find_map(|line| line.strip_prefix(CURSOR)).and_then(Cursor::parse);
        let complaint = String::from_utf8_lossy(&output.stderr);
        // An empty journal is a failure for it, too, about which it has nothing to say.
        if found.is_none() && !output.status.success() && !complaint.trim().is_empty() {
            return Err(io::Error::other(format!("{}: {}", output.status, complaint.trim())));
        }
        Ok(found)
    }

    async fn spawn(&self, args: Vec<OsString>) -> io::Result<Child> {
        let mut command = Command::new(&self.path);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let Some(root) = self.root.clone() else { return explained(&self.path, command.spawn()) };
        let runtime = Handle::current();
        // A thread of its own has a root of its own, which what it starts takes over.
        let started = std::thread::Builder::new().name("journalctl".to_owned()).spawn(move || {
            let _entered = runtime.enter();
            let rooted = format!("cannot take {} for the root, which needs CAP_SYS_CHROOT", root.display());
            let rooted = |error: io::Error| io::Error::new(error.kind(), format!("{rooted}: {error}"));
            #[expect(
                deprecated,
                reason = "what took its place is unsafe for file descriptors, which stay shared here"
            )]
            rustix::thread::unshare(rustix::thread::UnshareFlags::FS).map_err(io::Error::from).map_err(&rooted)?;
            rustix::process::chroot(&root).map_err(io::Error::from).map_err(&rooted)?;
            std::env::set_current_dir("/").map_err(&rooted)?;
            command.spawn()
        })?;
        let spawned = tokio::task::spawn_blocking(move || started.join()).await.map_err(io::Error::other)?;
        explained(
            &self.path,
            spawned.unwrap_or_else(|_| Err(io::Error::other("the thread that starts it has panicked"))),
        )
    }
}

fn explained(path: &OsString, spawned: io::Result<Child>) -> io::Result<Child> {
    spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let way = "install systemd's journalctl where this runs, or name the host's with `root_path` and `journalctl_path`";
            io::Error::new(error.kind(), format!("there is no {}: {way}", path.display()))
        }
        kind => io::Error::new(kind, format!("cannot start {}: {error}", path.display())),
    })
}
