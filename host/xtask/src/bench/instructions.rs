//! `cargo xtask bench instructions`: what the operations on payloads cost, counted by callgrind.
//!
//! No runtime and no engine is in the programs that run, so that the counts are the same on each run and machine with the
//! same toolchain. They are checked in: a commit that changes them updates the file and says why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{needs, process};

#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Write the counts down as those to compare with
    #[arg(long)]
    update: bool,
}

/// The example program of each crate, and the operations that it runs.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("host-otlp", &["check", "view", "concatenate", "split"]),
    ("host-projection", &["project", "apply"]),
    ("host-identity", &["judge"]),
];
const TOLERANCE: f64 = 0.01;
const COUNTS: &str = "tests/bench/instructions.toml";
const HEADER: &str = "\
# Instructions of one operation on the example programs' fixed input, counted by callgrind.
# `cargo xtask bench instructions` compares, and `--update` writes.
";

type Counts = BTreeMap<String, u64>;

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if let Err(missing) = needs::valgrind() {
        println!("SKIPPED: {missing}");
        return Ok(());
    }
    let counts = count(workspace)?;
    let file = workspace.root.join(COUNTS);
    if args.update {
        fs::write(&file, format!("{HEADER}{}", toml::to_string(&counts)?)).context(COUNTS)?;
        println!("wrote {COUNTS}");
    }
    let expected: Counts = toml::from_str(&fs::read_to_string(&file).context(COUNTS)?).context(COUNTS)?;
    let changed = compare(&expected, &counts);
    if !changed.is_empty() {
        bail!(
            "counts have changed; `cargo xtask bench instructions --update` writes them down:\n{}",
            changed.join("\n")
        );
    }
    Ok(())
}

/// What differs by more than the tolerance, or is in one of the two only; prints all.
fn compare(expected: &Counts, counts: &Counts) -> Vec<String> {
    let mut changed = Vec::new();
    for (operation, &count) in counts {
        let before = expected.get(operation).copied();
        let change = before.map_or(f64::INFINITY, |before| count as f64 / before as f64 - 1.0);
        let line = match before {
            Some(before) => format!("{operation:12} {count:>12} ({:+.2} % of {before})", change * 100.0),
            None => format!("{operation:12} {count:>12} (new)"),
        };
        println!("{line}");
        if change.abs() > TOLERANCE {
            changed.push(line);
        }
    }
    changed.extend(expected.keys().filter(|o| !counts.contains_key(*o)).map(|o| format!("{o} is no longer counted")));
    changed
}

fn count(workspace: &Workspace) -> Result<Counts> {
    let mut counts = Counts::new();
    for (package, operations) in PROGRAMS {
        let build = ["build", "--release", "--package", package, "--example", "instructions"];
        process::run(&mut workspace.cargo(build))?;
        // The examples have the same name and would overwrite each other: each is counted before the next is built.
        let program = workspace.target.join("release/examples/instructions");
        for operation in operations {
            let (few, many) =
                (executed(workspace, &program, operation, 1)?, executed(workspace, &program, operation, 11)?);
            counts.insert((*operation).to_owned(), many.saturating_sub(few) / 10);
        }
    }
    Ok(counts)
}

/// Instructions that the whole program takes for so many repetitions.
fn executed(workspace: &Workspace, program: &Path, operation: &str, repetitions: u32) -> Result<u64> {
    let out = tempfile::NamedTempFile::new()?;
    let mut valgrind = workspace.command("valgrind");
    valgrind.arg("--tool=callgrind").arg(callgrind_out(out.path())).arg(program);
    process::capture(valgrind.arg(operation).arg(repetitions.to_string()))?;
    let report = fs::read_to_string(out.path())?;
    let total =
        report.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    total
        .and_then(|number| number.trim().parse().ok())
        .with_context(|| format!("callgrind counted nothing for {operation}"))
}

fn callgrind_out(path: &Path) -> PathBuf {
    PathBuf::from(format!("--callgrind-out-file={}", path.display()))
}
