//! Loading is one processor's way to its next generation: fetch, load, swap; at start once, then whenever a file changes.

use std::sync::{Arc, Mutex, PoisonError};

use host_component::Shutdown;
use tokio::task::spawn_blocking;

use crate::config::Limits;
use crate::generation::Identity;
use crate::guest::Guest;
use crate::loader::{LoadError, Loader, Request};
use crate::source::{POLL, Source};

/// A processor and where its module comes from.
pub(crate) struct Loading {
    guest: Arc<Guest>,
    source: Arc<Mutex<Source>>,
    limits: Limits,
    /// What failed last and would fail again.
    hopeless: Option<Identity>,
}

impl Loading {
    pub(crate) fn new(guest: Arc<Guest>, source: Source, limits: Limits) -> Self {
        Loading { guest, source: Arc::new(Mutex::new(source)), limits, hopeless: None }
    }

    pub(crate) fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Loads what is there now, unless it runs already or has just failed.
    pub(crate) async fn load(&mut self, loader: &Loader) -> Result<(), LoadError> {
        let request = self.fetch(loader).await?;
        let identity = request.identity();
        if self.guest.running().as_ref() == Some(&identity) || self.hopeless.as_ref() == Some(&identity) {
            return Ok(());
        }
        let loaded = loader.load(request, identity.clone()).await;
        let swapped = loaded.and_then(|generation| self.guest.swap(generation));
        self.hopeless = match &swapped {
            Err(error) if error.is_lasting() => Some(identity.clone()),
            _ => None,
        };
        if let Err(error) = &swapped {
            self.refused(&identity.digest.short(), error);
        }
        swapped
    }

    /// Looks for changes until the end. What fails leaves everything as it was, and is looked at again when the files
    /// change.
    pub(crate) async fn watch(mut self, loader: Arc<Loader>, mut shutdown: Shutdown) {
        let work = async {
            loop {
                tokio::time::sleep(POLL).await;
                if self.has_changed().await {
                    // The reason was logged and counted.
                    let _ = self.load(&loader).await;
                }
            }
        };
        tokio::select! {
            () = shutdown.wait() => {}
            () = work => {}
        }
    }

    async fn fetch(&self, loader: &Loader) -> Result<Request, LoadError> {
        let (source, limit) = (Arc::clone(&self.source), loader.component_limit());
        let fetched =
            spawn_blocking(move || source.lock().unwrap_or_else(PoisonError::into_inner).fetch(limit)).await?;
        let fetched = fetched.map_err(LoadError::from).inspect_err(|error| self.refused("", error))?;
        let (name, signal) = (self.guest.module.clone(), self.guest.pipeline.signal());
        Ok(Request { name, signal, limits: self.limits.clone(), fetched })
    }

    async fn has_changed(&self) -> bool {
        let source = Arc::clone(&self.source);
        let looked = spawn_blocking(move || source.lock().unwrap_or_else(PoisonError::into_inner).has_changed());
        looked.await.unwrap_or(false)
    }

    fn refused(&self, digest: &str, reason: &LoadError) {
        self.guest.meters.load_failures.inc();
        let running = self.guest.running().map(|identity| identity.to_string());
        tracing::warn!(
            processor = %self.guest.id, pipeline = %self.guest.pipeline, module = self.guest.module, digest, %reason,
            running, "module refused"
        );
    }
}
