//! An entry is where connectors hand data to a pipeline. It stays while the pipeline behind it is replaced, so that those
//! before it need not be.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome};

/// Leads to nothing until the graph that it belongs to takes over.
#[derive(Default)]
pub(crate) struct Entry(ArcSwapOption<Arc<dyn Consumer>>);

impl Entry {
    /// The next delivery goes to `head`; what is under way ends where it began.
    pub(crate) fn lead_to(&self, head: &Arc<dyn Consumer>) {
        self.0.store(Some(Arc::new(Arc::clone(head))));
    }
}

impl Consumer for Entry {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        // What is under way holds the pipeline that it is in: so one that was replaced knows when it is empty.
        let head = self.0.load().as_deref().cloned();
        Box::pin(async move {
            match head {
                Some(head) => head.consume(delivery).await,
                None => Err(Failure::retryable("the pipeline behind the connector does not run yet")),
            }
        })
    }
}
