//! The quickstart under a load for ten seconds, judged by the counts.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Gateway;
use super::delivered::Delivered;

/// What the generator prints at its end.
#[derive(Deserialize)]
struct Generated {
    acknowledged_items: u64,
    unacknowledged_items: u64,
    rejected_items: u64,
    personal_items: u64,
}

pub(crate) fn run(gateway: Gateway) -> Result<()> {
    let report = gateway.folder.join("generated.json");
    let load = gateway.load(&["--rate", "1000", "--duration", "10s", "--json"], Stdio::from(File::create(&report)?))?;
    let status = load.wait(Duration::from_secs(60))?;
    let folder = gateway.folder.clone();
    gateway.end()?;
    if !status.success() {
        bail!("the generator ended with {status}");
    }
    let generated: Generated = serde_json::from_slice(&std::fs::read(&report)?).context("the generator's report")?;
    let own = Delivered::read(&folder.join("out/default.jsonl"))?;
    let routed = Delivered::read(&folder.join("out/errors.jsonl"))?;
    let problems = judge(&generated, &own, &routed);
    if !problems.is_empty() {
        bail!("the quickstart does not do what it says:\n{}", problems.join("\n"));
    }
    println!(
        "up: {} items acknowledged; {} delivered to default.jsonl and {} to errors.jsonl, all labeled; {} masks, no address",
        generated.acknowledged_items,
        own.items,
        routed.items,
        own.masks + routed.masks
    );
    Ok(())
}

fn judge(generated: &Generated, own: &Delivered, routed: &Delivered) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let delivered = own.items + routed.items;
    expect(generated.acknowledged_items > 0, "nothing was acknowledged".to_owned());
    let refused = generated.unacknowledged_items + generated.rejected_items;
    expect(refused == 0, format!("{refused} items were refused"));
    expect(generated.personal_items > 0, "no item had personal data".to_owned());
    expect(
        delivered == generated.acknowledged_items,
        format!("{} items were acknowledged and {delivered} delivered", generated.acknowledged_items),
    );
    for (file, content) in [("default.jsonl", own), ("errors.jsonl", routed)] {
        expect(content.items > 0, format!("nothing was delivered to {file}"));
        let unlabeled = content.unlabeled_resources;
        expect(unlabeled == 0, format!("{unlabeled} resources in {file} have no label"));
        expect(content.addresses.is_empty(), format!("{file} has addresses: {}", content.addresses.join(", ")));
    }
    expect(own.masks + routed.masks > 0, "nothing was masked".to_owned());
    problems
}
