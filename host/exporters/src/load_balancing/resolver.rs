//! Follows the addresses that a name stands for.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use super::backends::{Known, Maker};
use super::config::Dns;
use crate::resolve::Name;

/// Keeps `known` up to date for as long as somebody looks at it.
pub(super) async fn follow(maker: Arc<Maker>, dns: Dns, mut name: Name, known: watch::Sender<Known>) {
    let exporter = maker.id().to_string();
    loop {
        let answer = tokio::select! {
            answer = name.addresses() => answer,
            () = known.closed() => return,
        };
        maker.counts.resolved(answer.is_ok());
        match answer {
            Ok(addresses) => maker.update(&written(&addresses, &dns.port), &known),
            Err(error) => {
                known.send_if_modified(|known| known.say_none(&format!("{exporter}: {error}")));
            }
        }
        tokio::select! {
            () = sleep(dns.interval) => {}
            () = known.closed() => return,
        }
    }
}

/// Addresses as the ring has them, sorted as texts. Without a port they stand alone there, as in the Collector.
fn written(addresses: &[IpAddr], port: &str) -> Vec<String> {
    let host = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    let with_port = |address: &IpAddr| match port {
        "" => host(address),
        port => format!("{}:{port}", host(address)),
    };
    let mut written: Vec<String> = addresses.iter().map(with_port).collect();
    written.sort_unstable();
    written
}
