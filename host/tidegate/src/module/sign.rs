//! `tidegate module sign` and `verify`: the signatures that hosts look at, for whoever has a manifest in a file.

use std::env;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use host_manifest::{PrivateKey, PublicKeys, SigningKey};
use zeroize::Zeroizing;

use super::{files, told};

/// Where cosign takes the passwords of its keys from, and so do we.
const PASSWORD: &str = "COSIGN_PASSWORD";

#[derive(Clone, Debug, clap::Args)]
pub(super) struct SignArgs {
    /// What is signed: the exact bytes of a manifest
    manifest: PathBuf,
    /// The private key, in PEM; one that cosign encrypted is opened with COSIGN_PASSWORD, or asks
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

/// The private key in a file, opened where cosign has encrypted it.
///
/// # Errors
/// It cannot be read, is none, or does not open.
pub(super) fn key(path: &Path) -> anyhow::Result<SigningKey> {
    let unusable = || format!("cannot use `{}`", path.display());
    match PrivateKey::read(&Zeroizing::new(files::text(path)?)).with_context(unusable)? {
        PrivateKey::Open(key) => Ok(key),
        PrivateKey::Sealed(sealed) => {
            let (password, origin) = password(path).with_context(unusable)?;
            sealed
                .open(&password)
                .with_context(|| format!("cannot open `{}` with the password {origin}", path.display()))
        }
    }
}

/// The password for a key, which may be empty, and where it is from.
fn password(path: &Path) -> anyhow::Result<(Zeroizing<Vec<u8>>, String)> {
    if let Some(password) = env::var_os(PASSWORD) {
        return Ok((Zeroizing::new(password.into_vec()), format!("in {PASSWORD}")));
    }
    if !io::stdin().is_terminal() {
        bail!("it is encrypted, and standard input is no terminal to ask at: set {PASSWORD} to its password");
    }
    let asked = rpassword::prompt_password(format!("Password of `{}`: ", path.display()));
    let password = asked.with_context(|| format!("cannot ask for its password: set {PASSWORD} to it"))?;
    Ok((Zeroizing::new(password.into_bytes()), "that was given".to_owned()))
}
