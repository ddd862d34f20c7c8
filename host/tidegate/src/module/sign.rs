//! `tidegate module sign` and `verify`: the signatures that hosts look at, for whoever has a manifest in a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use host_manifest::{PublicKeys, SigningKey};

use super::{files, told};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct SignArgs {
    /// What is signed: the exact bytes of a manifest
    manifest: PathBuf,
    /// The private key, in PEM and not encrypted
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// What was signed: the exact bytes of a manifest
    manifest: PathBuf,
    /// The public key, in PEM; one of several is enough
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The signatures, each on a line of its own
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
}

/// Prints the signature.
///
/// # Errors
/// A file cannot be read, or is no key.
pub(super) fn sign(args: &SignArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    writeln!(out, "{}", key(&args.key)?.sign(&files::read(&args.manifest)?))?;
    Ok(ExitCode::SUCCESS)
}

/// Says whether one of the signatures is by one of the keys.
///
/// # Errors
/// None is, or a file cannot be read.
pub(super) fn verify(args: &VerifyArgs, _: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut keys = PublicKeys::default();
    for path in &args.key {
        keys.add(&files::text(path)?).with_context(|| format!("cannot use `{}`", path.display()))?;
    }
    let verified = keys.verify(&files::read(&args.manifest)?, &files::text(&args.signature)?);
    verified.with_context(|| format!("`{}` is not trusted", args.manifest.display()))?;
    told::status("Verified", &args.manifest.display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// The private key in a file.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn key(path: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::read(&files::text(path)?).with_context(|| format!("cannot use `{}`", path.display()))
}
