//! The steps of a longer run: each is announced, timed, and summed up at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

#[derive(Default)]
pub(crate) struct Steps(Vec<(String, Outcome)>);

enum Outcome {
    Done(Duration),
    Skipped(String),
}

impl Steps {
    /// Does one step; the first that fails ends the run.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let start = Instant::now();
        let result = step().with_context(|| format!("step `{name}`"))?;
        self.0.push((name.to_owned(), Outcome::Done(start.elapsed())));
        Ok(result)
    }

    /// Does one step where the machine has what it needs, and says so where it has not.
    pub(crate) fn run_if(&mut self, name: &str, needs: Result<()>, step: impl FnOnce() -> Result<()>) -> Result<()> {
        match needs {
            Ok(()) => self.run(name, step),
            Err(missing) => {
                println!("\n== {name}: SKIPPED, {missing}");
                self.0.push((name.to_owned(), Outcome::Skipped(missing.to_string())));
                Ok(())
            }
        }
    }

    pub(crate) fn print(&self) {
        println!("\nsteps:");
        for (name, outcome) in &self.0 {
            match outcome {
                Outcome::Done(time) => println!("  {:7.1} s  {name}", time.as_secs_f64()),
                Outcome::Skipped(why) => println!("  SKIPPED    {name}: {why}"),
            }
        }
    }
}
