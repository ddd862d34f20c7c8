//! `tidegate module new` and `build`: a project of one's own, and the module that it becomes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use host_toolchain::Language;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct NewArgs {
    /// What the module is called: small letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// The language: rust, python, javascript, go or c
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,
    /// Where it is put, in a folder of its name where it is not said
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// The project, here where it is not said
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Writes a project.
///
/// # Errors
/// The name cannot be a module's, the folder is taken, or it cannot be written.
pub(super) fn create(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    host_toolchain::create(args.lang, &args.name, &folder)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds a project, and prints where its component is.
///
/// # Errors
/// There is no project, its language's tool is missing, or it does not take the code.
pub(super) fn build(args: &BuildArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let component = host_toolchain::build(&here(args.folder.as_ref()))?;
    writeln!(out, "{}", component.display())?;
    Ok(ExitCode::SUCCESS)
}

/// The folder that was named, or the one where the process runs.
pub(super) fn here(folder: Option<&PathBuf>) -> PathBuf {
    folder.cloned().unwrap_or_else(|| PathBuf::from("."))
}
