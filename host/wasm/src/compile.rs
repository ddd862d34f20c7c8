//! Compiling turns a component into native code, in a child process: a compiler that runs wild on a stranger's module
//! takes the child down and nothing else.
//!
//! The child is this program again, as `tidegate compile --input F --output F`. One runs at a time, however many sandboxes
//! there are in the process.

mod child;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};

pub use child::compile_main;

/// What the child says is read up to here.
const REASON_BYTES: u64 = 16 << 10;

/// Why there is no native code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("the compiler {program} cannot be started: {error}")]
    Start { program: PathBuf, error: io::Error },
    #[error("compiling took longer than {0:?} (modules.limits.compile_timeout)")]
    Timeout(Duration),
    /// What the child wrote.
    #[error("the module does not compile: {0}")]
    Refused(String),
    /// By a limit of its own, or from outside: for want of memory, say.
    #[error("the compiler was ended: {0}")]
    Ended(ExitStatus),
    #[error("files for the compiler: {0}")]
    Files(#[from] io::Error),
}

/// Whose turn it is: while a configuration takes over from another there may be two sandboxes.
static TURN: Mutex<()> = Mutex::const_new(());

/// Starts the child.
pub(crate) struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    timeout: Duration,
}

/// The right to compile, of which there is one: kept until what was compiled is where others look for it.
pub(crate) struct Turn<'c> {
    compiler: &'c Compiler,
    _held: MutexGuard<'static, ()>,
}

impl Compiler {
    /// `program` is started with `arguments`, and then `--input` and `--output`.
    pub(crate) fn new(program: PathBuf, arguments: Vec<OsString>, timeout: Duration) -> Self {
        Compiler { program, arguments, timeout }
    }

    /// Waits for those that came before.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn { compiler: self, _held: TURN.lock().await }
    }
}

impl Turn<'_> {
    /// Compiles `input` to `output`.
    pub(crate) async fn compile(&self, input: &Path, output: &Path) -> Result<(), CompileError> {
        let Compiler { program, arguments, timeout, .. } = self.compiler;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--input")
            .arg(input)
            .arg("--output")
            .arg(output)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| CompileError::Start { program: program.clone(), error })?;
        let stderr = child.stderr.take();
        let work = async {
            let mut said = Vec::new();
            if let Some(stderr) = stderr {
                // What lies beyond is not read: the child then ends with a broken pipe.
                stderr.take(REASON_BYTES).read_to_end(&mut said).await?;
            }
            let status = child.wait().await?;
            Ok::<_, io::Error>((status, said))
        };
        let (status, said) =
            tokio::time::timeout(*timeout, work).await.map_err(|_| CompileError::Timeout(*timeout))??;
        if status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        Err(match said.trim() {
            // It speaks before it ends by itself.
            said if said.is_empty() || status.code().is_none() => CompileError::Ended(status),
            said => CompileError::Refused(said.to_owned()),
        })
    }
}
