//! What a process under test writes, line by line, as it comes.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::eventually;

/// The lines of one stream.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Log {
    /// Reads `stream` to its end on a thread of its own.
    pub(crate) fn follow(stream: impl Read + Send + 'static) -> Self {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let read = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                read.lock().unwrap().push(line);
            }
        });
        Log { lines, reader }
    }

    /// Waits until the stream has ended, and gives all of it.
    pub(crate) async fn whole(&self) -> String {
        eventually("the log ends", async || self.reader.is_finished().then(|| self.text())).await
    }

    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// How many lines there are so far.
    pub(crate) fn len(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// The lines after the first `from` that have all of `parts`.
    pub(crate) fn having(&self, from: usize, parts: &[&str]) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().skip(from).filter(|line| parts.iter().all(|part| line.contains(part))).cloned().collect()
    }

    /// Waits for a line after the first `from` that has all of `parts`.
    pub(crate) async fn wait_for(&self, from: usize, parts: &[&str]) -> String {
        let what = format!("a line with {parts:?}");
        eventually(&what, async || self.having(from, parts).into_iter().next()).await
    }
}
