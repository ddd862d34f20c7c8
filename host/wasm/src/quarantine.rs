//! The ward is the way into the quarantine: what a record says of a batch, and what is counted of it.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host_component::Payload;
use host_quarantine::{AddError, Limits, OpenError, Poison, Quarantine, Usage};
use host_telemetry::{Gauge, Metrics};

use crate::config::QuarantineConfig;
use crate::generation::{BatchError, Identity};
use crate::guest::Guest;
use crate::instance::Context;

/// A quarantine and its metrics.
pub(crate) struct Ward {
    quarantine: Quarantine,
    metrics: Metrics,
    bytes: Gauge,
    records: Gauge,
}

/// Where poison was found.
pub(crate) struct Place<'p> {
    pub(crate) guest: &'p Guest,
    pub(crate) identity: &'p Identity,
    pub(crate) context: &'p Context,
}

impl Ward {
    /// Opens the quarantine that the configuration names, if it does.
    pub(crate) fn open(config: &QuarantineConfig, base: &Path, metrics: &Metrics) -> Result<Option<Self>, OpenError> {
        let Some(path) = &config.path else { return Ok(None) };
        let limits = Limits { bytes: config.max_mib.saturating_mul(1 << 20), records: config.max_records };
        let (quarantine, usage) = Quarantine::open(&base.join(path), limits)?;
        let gauge = |name, help| metrics.gauge(name, help, &[]);
        let ward = Ward {
            quarantine,
            metrics: metrics.clone(),
            bytes: gauge("tidegate_quarantine_used_bytes", "The size of the quarantine's file."),
            records: gauge("tidegate_quarantine_records", "Records in the quarantine that were not sent again."),
        };
        ward.shows(usage);
        Ok(Some(ward))
    }

    /// Puts poison in: it is on disk when this returns, or nothing of it is.
    pub(crate) fn take(&self, place: &Place<'_>, poison: Vec<(Payload, BatchError)>) -> Result<(), AddError> {
        let items: u64 = poison.iter().map(|(payload, _)| payload.items()).sum();
        let bytes: u64 = poison.iter().map(|(payload, _)| payload.len() as u64).sum();
        let added = self.quarantine.add(poison.into_iter().map(|poison| place.record(poison)).collect());
        let labels = [("processor", &*place.guest.id.to_string()), ("module", &*place.identity.name)];
        let counter = |name, help| self.metrics.counter(name, help, &labels);
        match added {
            Ok(usage) => {
                counter("tidegate_quarantine_items_total", "Items that were put into the quarantine.").inc_by(items);
                counter("tidegate_quarantine_bytes_total", "Bytes of these items.").inc_by(bytes);
                self.shows(usage);
                Ok(())
            }
            Err(error) => {
                let help = "Items that the quarantine did not take, since it was full or could not be written.";
                counter("tidegate_quarantine_refused_items_total", help).inc_by(items);
                Err(error)
            }
        }
    }

    fn shows(&self, usage: Usage) {
        self.bytes.set(i64::try_from(usage.bytes).unwrap_or(i64::MAX));
        self.records.set(i64::try_from(usage.records).unwrap_or(i64::MAX));
    }
}

impl Place<'_> {
    fn record(&self, (payload, reason): (Payload, BatchError)) -> Poison {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Poison {
            time: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
            pipeline: self.guest.pipeline.to_string(),
            processor: self.guest.id.to_string(),
            module: self.identity.name.clone(),
            digest: self.identity.digest.to_string(),
            signal: payload.signal(),
            reason: reason.in_full(),
            items: payload.items(),
            context: host_quarantine::Context {
                now: self.context.now,
                seed: self.context.seed,
                cluster: None,
                metadata: self.context.origin.metadata.clone(),
            },
            payload: payload.contiguous(),
        }
    }
}
