//! JavaScript: componentize-qjs, which puts QuickJS and the code into a component.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Tool, program};
use crate::{Error, Manifest};

const COMPONENTIZE: Tool = Tool {
    name: "componentize-qjs",
    install: "`npm install` in the project, or `npm install --global componentize-qjs@0.4.5`; it needs Node 18 or later",
    hint: "",
};

/// Makes a component, and returns where it is.
pub(crate) fn run(folder: &Path, manifest: &Manifest, contract: &Path, work: &Path) -> Result<PathBuf, Error> {
    let (made, entry) = (work.join("javascript.wasm"), work.join("entry.js"));
    if !folder.join(&manifest.main).is_file() {
        return Err(Error::Project(format!("main: there is no {}", folder.join(&manifest.main).display())));
    }
    let sdk = folder.join(&manifest.sdk);
    let sdk = sdk.canonicalize().map_err(|error| Error::Read { path: sdk, error })?;
    // Nothing outside of this folder is seen: the project's, or the one that has the SDK in it, too.
    let alike = folder.components().zip(sdk.components()).take_while(|(one, other)| one == other);
    let root: PathBuf = alike.map(|(component, _)| component).collect();
    // The entry lies in a folder of the project's.
    let imported = format!("../{}", manifest.sdk.display());
    fs::write(&entry, entry_of(&imported, &manifest.main))
        .map_err(|error| Error::Write { path: entry.clone(), error })?;
    let mut node = Command::new(program(folder, &["node_modules/.bin"], "componentize-qjs"));
    node.current_dir(folder).arg("--wit").arg(contract).args(["--world", "processor", "--stub-wasi", "--sync"]);
    node.arg("--module-root").arg(&root).arg("--js").arg(&entry).arg("--output").arg(&made);
    COMPONENTIZE.run(&mut node)?;
    Ok(made)
}

/// What the world's exports are: the processor, with the host's functions in the SDK's hands.
fn entry_of(sdk: &str, main: &Path) -> String {
    format!(
        "import log from \"tidegate:processor/log@0.2.0\";\n\
         import counters from \"tidegate:processor/counters@0.2.0\";\n\
         import {{ attach }} from \"{sdk}/src/host.js\";\n\
         import {{ exported }} from \"{sdk}/index.js\";\n\
         import Processor from \"../{}\";\n\n\
         attach({{ write: log.write, add: counters.add }});\n\n\
         export const {{ configure, process }} = exported(Processor);\n",
        main.display()
    )
}
