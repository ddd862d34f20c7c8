//! What to look at and what to try while the quickstart runs.

use crate::workspace::Workspace;

pub(crate) fn print(workspace: &Workspace) {
    let components = workspace.root.join("target/guests/components");
    let components = components.strip_prefix(&workspace.root).unwrap_or(&components).display();
    let tidegate = workspace.target.join("release/tidegate");
    let tidegate = tidegate.strip_prefix(&workspace.root).unwrap_or(&tidegate).display();
    println!(
        "
Tidegate is up: OTLP over gRPC on 127.0.0.1:4317 and over HTTP on 127.0.0.1:4318, three sandboxed modules, two files.

Look at
  tail -f examples/quickstart/out/default.jsonl    what was delivered: labeled, and without personal data
  tail -f examples/quickstart/out/errors.jsonl     what the routing module sent elsewhere
  curl -s 127.0.0.1:8888/metrics                   counts
  curl -s 127.0.0.1:8888/debug/pipelines           the pipelines as they run; /debug/modules, the modules
  {tidegate} tap logs --after wasm/scrub    what passes, as lines
  the log here                                     which module was loaded, by digest, and why one was not

Try
  edit examples/quickstart/rules/pii-scrub.yaml: change `mask: \"****\"` to `mask: \"[gone]\"` and save;
  the next batches have the new mask, and nothing is lost on the way

  edit guests/cluster-labels/src, then
    cargo xtask guests
    cp {components}/cluster-labels.wasm examples/quickstart/modules/
  and the rebuilt module takes over while data flows; remove the copy, and the bundled one is back

  push one that is broken:
    head -c 1000 {components}/routing.wasm > examples/quickstart/modules/routing.wasm
  and the log says why it is refused, while the one that runs serves on

Ctrl-C drains, and tells what was received and delivered.
"
    );
}
