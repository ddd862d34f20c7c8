//! `module.yaml` lies where a module is written and says, among what else its build has to know, what the build makes.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::files;

const NAME: &str = "module.yaml";

/// Where the component of the module in `folder` lies.
///
/// # Errors
/// There is no such file, or it does not name a component.
pub(super) fn component(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join(NAME);
    let manifest = files::yaml(&path).context("which module is it? name one with --module")?;
    let Some(component) = manifest.get("component") else {
        bail!(
            "`{}` has no key `component`: the path of what the build makes; or name a module with --module",
            path.display()
        );
    };
    let component: String = component.decode().with_context(|| format!("cannot use `{}`", path.display()))?;
    // With a slash it is a path whatever it is called.
    Ok(Path::new(".").join(folder).join(component))
}
