//! The signals that the process takes: SIGTERM from whoever runs it and SIGINT from a terminal end it, SIGHUP has it read
//! its configuration again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What the process is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    End(&'static str),
    Reload,
}

impl Signals {
    /// Takes the signals from their default, which is to die at once.
    ///
    /// # Errors
    /// When the operating system does not give them.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of those that end the process, and names it. Others wait for [`Signals::any`].
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Waits for the next of all.
    pub(crate) async fn any(&mut self) -> Told {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Told::End("SIGTERM"),
            _ = self.interrupt.recv() => Told::End("SIGINT"),
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}
