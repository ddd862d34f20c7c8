//! The contract in `wit/`: it parses, and each thing in it says what it is.

use anyhow::{Context, Result, bail};
use wit_parser::{Docs, Resolve, TypeDefKind};

use crate::workspace::Workspace;

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut resolve = Resolve::default();
    resolve.push_dir(workspace.root.join("wit")).context("wit/ does not parse")?;
    let undocumented = undocumented(&resolve);
    if !undocumented.is_empty() {
        bail!("wit/: no word is said about {}", undocumented.join(", "));
    }
    Ok(())
}

fn undocumented(resolve: &Resolve) -> Vec<String> {
    let mut names = Vec::new();
    let mut look = |docs: &Docs, name: String| {
        if docs.contents.as_deref().is_none_or(str::is_empty) {
            names.push(name);
        }
    };
    for (_, world) in &resolve.worlds {
        look(&world.docs, format!("world {}", world.name));
    }
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        look(&interface.docs, format!("interface {name}"));
        interface.functions.values().for_each(|function| look(&function.docs, format!("{name}.{}", function.name)));
    }
    for (_, definition) in &resolve.types {
        // Types without a name are written where they are used, and those that are only another's name are said there.
        let Some(name) = &definition.name else { continue };
        let parts: Vec<(&Docs, &str)> = match &definition.kind {
            TypeDefKind::Type(_) => continue,
            TypeDefKind::Record(record) => record.fields.iter().map(|f| (&f.docs, f.name.as_str())).collect(),
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|c| (&c.docs, c.name.as_str())).collect(),
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|c| (&c.docs, c.name.as_str())).collect(),
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|f| (&f.docs, f.name.as_str())).collect(),
            _ => Vec::new(),
        };
        look(&definition.docs, name.clone());
        parts.into_iter().for_each(|(docs, part)| look(docs, format!("{name}.{part}")));
    }
    names
}
