//! Files that authors write: read as a whole, within a limit, and never waited for.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use host_config::Value;
use host_config::watched::{Contents, Watched};

/// A larger file is no fixture: it would be encoded, decoded and compared in memory.
const MOST: u64 = 64 << 20;

/// What is in a file.
///
/// # Errors
/// It cannot be read, is too large or no regular file.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let contents = Watched::new(path.to_path_buf()).read(MOST);
    match contents.with_context(|| format!("cannot read `{}`", path.display()))? {
        Contents::Whole(bytes) => Ok(bytes),
        Contents::Large(bytes) => bail!("`{}` has {bytes} bytes, more than {MOST}", path.display()),
        Contents::Changing => bail!("`{}` is being written to", path.display()),
    }
}

/// The text in a file.
///
/// # Errors
/// As [`read`], and where it is no UTF-8.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let not_text = |_| anyhow!("`{}` is no text: it has bytes that are not UTF-8", path.display());
    String::from_utf8(read(path)?).map_err(not_text)
}

/// The YAML in a file.
///
/// # Errors
/// As [`text`], and where it is no YAML.
pub(super) fn yaml(path: &Path) -> anyhow::Result<Value> {
    let text = text(path)?;
    Value::parse(&path.display().to_string(), &text).with_context(|| format!("cannot use `{}`", path.display()))
}
