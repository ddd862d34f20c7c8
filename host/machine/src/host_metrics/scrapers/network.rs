//! `network`: what goes over the interfaces, and the connections that there are.

use host_periodic::{Choices, Kind, Spec};
use procfs_core::FromRead as _;
use procfs_core::net::InterfaceDeviceStatus;

use super::super::config;
use super::super::filter::Filter;
use super::super::parse::{TCP_STATES, count_connections};
use super::{Found, Scraper};

const CONNECTIONS: Spec =
    Spec::new(Kind::Sum, "system.network.connections", "{connections}", "The number of connections.");
const DROPPED: Spec = Spec::new(Kind::Counter, "system.network.dropped", "{packets}", "The number of packets dropped.");
const ERRORS: Spec = Spec::new(Kind::Counter, "system.network.errors", "{errors}", "The number of errors encountered.");
const IO: Spec = Spec::new(Kind::Counter, "system.network.io", "By", "The number of bytes transmitted and received.");
const PACKETS: Spec =
    Spec::new(Kind::Counter, "system.network.packets", "{packets}", "The number of packets transferred.");
const TRACKED: Spec =
    Spec::new(Kind::Sum, "system.network.conntrack.count", "{entries}", "The count of entries in conntrack table.")
        .optional();
const TRACKED_MAX: Spec =
    Spec::new(Kind::Sum, "system.network.conntrack.max", "{entries}", "The limit for entries in the conntrack table.")
        .optional();

pub(crate) const METRICS: &[Spec] = &[CONNECTIONS, DROPPED, ERRORS, IO, PACKETS, TRACKED, TRACKED_MAX];

pub(crate) struct Network {
    metrics: Choices,
    filter: Filter,
}

impl Network {
    pub(crate) fn new(config: &config::Network, filter: Filter) -> Self {
        Network { metrics: config.metrics.clone(), filter }
    }

    fn interfaces(&self, found: &mut Found<'_>) {
        let path = found.root.of_process("net/dev");
        let Some(text) = found.read(&path, 8) else { return };
        let Ok(InterfaceDeviceStatus(interfaces)) = InterfaceDeviceStatus::from_read(text.as_bytes()) else {
            return found.missed.push(found.root.unreadable(&path, 8));
        };
        let mut interfaces: Vec<_> = interfaces.into_values().filter(|one| self.filter.takes(&one.name)).collect();
        interfaces.sort_by(|one, other| one.name.cmp(&other.name));
        for one in interfaces {
            let directions = [
                ("receive", one.recv_bytes, one.recv_packets, one.recv_errs, one.recv_drop),
                ("transmit", one.sent_bytes, one.sent_packets, one.sent_errs, one.sent_drop),
            ];
            for (direction, bytes, packets, errors, dropped) in directions {
                let attributes = [("device", one.name.as_str()), ("direction", direction)];
                found.record.record(&IO, bytes, &attributes);
                found.record.record(&PACKETS, packets, &attributes);
                found.record.record(&ERRORS, errors, &attributes);
                found.record.record(&DROPPED, dropped, &attributes);
            }
        }
    }

    fn connections(&self, found: &mut Found<'_>) {
        let mut counts = [0; TCP_STATES.len()];
        let path = found.root.of_process("net/tcp");
        let Some(text) = found.read(&path, TCP_STATES.len() as u64) else { return };
        count_connections(&text, &mut counts);
        // There is none where the machine was started without IPv6.
        if let Ok(text) = found.root.read(&found.root.of_process("net/tcp6"), 0) {
            count_connections(&text, &mut counts);
        }
        for (state, count) in TCP_STATES.iter().zip(counts) {
            found.record.record(&CONNECTIONS, count, &[("protocol", "tcp"), ("state", state)]);
        }
    }
}

impl Scraper for Network {
    const NAME: &'static str = "network";

    fn choices(&self) -> &Choices {
        &self.metrics
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        self.interfaces(found);
        if found.record.wants(&CONNECTIONS) {
            self.connections(found);
        }
        for (spec, file) in [(&TRACKED, "nf_conntrack_count"), (&TRACKED_MAX, "nf_conntrack_max")] {
            let name = format!("sys/net/netfilter/{file}");
            if found.record.wants(spec)
                && let Some(text) = found.proc(&name, 1)
                && let Some(count) = found.sense(&name, 1, text.trim().parse::<u64>().ok())
            {
                found.record.record(spec, count, &[]);
            }
        }
    }
}
