//! What a process under test writes, line by line, as it comes.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

use super::eventually;

/// The lines of one stream. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Reads `stream` to its end on a thread of its own.
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Self {
        let log = Log::default();
        let lines = Arc::clone(&log.0);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        log
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    /// How many lines there are so far.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The lines after the first `from` that have all of `parts`.
    pub(crate) fn having(&self, from: usize, parts: &[&str]) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().skip(from).filter(|line| parts.iter().all(|part| line.contains(part))).cloned().collect()
    }

    /// Waits for a line after the first `from` that has all of `parts`.
    pub(crate) async fn wait_for(&self, from: usize, parts: &[&str]) -> String {
        let what = format!("a line with {parts:?}");
        eventually(&what, async || self.having(from, parts).into_iter().next()).await
    }
}
