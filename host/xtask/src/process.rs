//! Other programs: run to their end, or kept running and ended with what started them.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take until it listens: on a slow machine a collector compiles its modules for a while.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs a command to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| shown(command))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; what it said of its errors is part of ours.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| shown(command))?;
    if !output.status.success() {
        bail!("{} ended with {}\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program is there and answers.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}

/// A program that runs beside us and is killed when this is dropped.
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Running> {
        let name = PathBuf::from(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| shown(command))?;
        Ok(Running { name, child })
    }

    /// Starts a program and waits until it listens there.
    pub(crate) fn listening(command: &mut Command, address: &str) -> Result<Running> {
        if std::net::TcpStream::connect(address).is_ok() {
            bail!("somebody else listens on {address}: end that first");
        }
        let mut running = Running::start(command)?;
        wait_for_port(address, &mut running)?;
        Ok(running)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The status with which it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| self.name.clone())
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self, patience: Duration) -> Result<ExitStatus> {
        let status = wait_for(patience, || self.ended())?;
        status.with_context(|| format!("{} did not end within {} s", self.name, patience.as_secs()))
    }

    /// Asks it to end and waits for that.
    pub(crate) fn terminate(self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM, patience)
    }

    /// Ends it as Ctrl-C does and waits for that.
    pub(crate) fn interrupt(self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::INT, patience)
    }

    fn signal(mut self, signal: Signal, patience: Duration) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            kill_process(Pid::from_child(&self.child), signal).with_context(|| self.name.clone())?;
        }
        self.wait(patience)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Asks `probe` again and again until it has an answer or patience is at its end.
pub(crate) fn wait_for<T>(patience: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = probe()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `address` takes connections, or the program that is to listen there has ended.
pub(crate) fn wait_for_port(address: &str, listener: &mut Running) -> Result<()> {
    let open = wait_for(PATIENCE, || {
        if let Some(status) = listener.ended()? {
            bail!("{} ended with {status} before it listened on {address}", listener.name);
        }
        Ok(std::net::TcpStream::connect(address).ok().map(drop))
    })?;
    open.with_context(|| format!("{} does not listen on {address}", listener.name))
}
