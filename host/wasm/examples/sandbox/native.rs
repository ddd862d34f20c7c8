//! A guest that is linked in: its own source behind the host's projection and edits, with no border between them.

use anyhow::{Result, anyhow};
use host_component::{Payload, Signal};
use host_projection::{Grants, Limits, Projector, Unmetered};
use tidegate_sdk::bindings::tidegate::processor::types;
use tidegate_sdk::{Instance, Processor};

use crate::BatchContext;
use crate::moves::{back, from_guest, to_guest};

/// A configured guest.
pub(crate) trait Native {
    /// All parts that a request becomes, in their order.
    fn process(&mut self, request: &Payload) -> Result<Vec<Payload>>;
}

struct Linked<P> {
    instance: Instance<P>,
    projector: Projector,
}

/// Makes a guest of its source.
pub(crate) fn link<P: Processor + 'static>(signal: Signal, config: &str) -> Result<Box<dyn Native>> {
    let mut instance = Instance::<P>::new();
    let plan = instance.configure(to_guest::signal(signal), config).map_err(|error| anyhow!("{error}"))?;
    let plan = from_guest::plan(plan);
    let grants = Grants { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
    let projector = Projector::compile(signal, &plan, &grants, &Limits::default())?;
    Ok(Box::new(Linked { instance, projector }))
}

impl<P: Processor> Native for Linked<P> {
    fn process(&mut self, request: &Payload) -> Result<Vec<Payload>> {
        let mut projection = self.projector.project(request.clone(), &mut Unmetered)?;
        if !projection.needs_guest() {
            return Ok(vec![projection.into_payload()]);
        }
        let BatchContext { now, seed, cluster, metadata } = BatchContext::default();
        let batch = to_guest::lend(&mut projection.batch);
        let script = self.instance.process(types::Context { now, seed, cluster, metadata }, &batch);
        back::give_back(batch, &mut projection.batch);
        let script = from_guest::script(script.map_err(|error| anyhow!("{error}"))?);
        let routed = projection.apply(&script, &mut Unmetered)?;
        Ok(routed.into_iter().map(|part| part.payload).collect())
    }
}
