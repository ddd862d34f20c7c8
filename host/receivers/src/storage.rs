//! What receivers keep in the folder of a `file_storage`: each has a folder of its own there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use host_component::ComponentId;

/// The folder of a receiver in its storage; no two receivers have the same.
pub fn folder(storage: &Path, id: &ComponentId) -> PathBuf {
    let mut folder = format!("receiver_{}", id.r#type());
    for byte in id.name().iter().flat_map(|name| std::iter::once(b'_').chain(name.bytes())) {
        match byte {
            b'_' => folder.push('_'),
            byte if byte.is_ascii_alphanumeric() => folder.push(char::from(byte)),
            byte => folder.push_str(&format!("%{byte:02x}")),
        }
    }
    storage.join(folder)
}

/// Puts a file in the place of another, or where there was none, and returns when the disk has it. Whoever reads it, also after
/// a loss of power, finds the one or the other. The file is open at its end.
///
/// # Errors
/// Where the disk does not take it.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let beside = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}
