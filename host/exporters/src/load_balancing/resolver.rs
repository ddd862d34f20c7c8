//! Follows the addresses that a name stands for.

use std::io;
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
    let mut was_answered = true;
    loop {
        let answer = tokio::select! {
            answer = name.addresses() => answer,
            () = known.closed() => return,
        };
        maker.counts.resolved(answer.is_ok());
        tell(&exporter, &answer, was_answered);
        was_answered = answer.is_ok();
        match answer {
            Ok(addresses) => maker.update(&written(&addresses, &dns.port), &known),
            Err(error) => {
                known.send_if_modified(|known| known.is_without(&format!("{exporter}: {error}")));
            }
        }
        tokio::select! {
            () = sleep(dns.interval) => {}
            () = known.closed() => return,
        }
    }
}

/// A trouble is told of when it begins and when it ends.
fn tell(exporter: &str, answer: &io::Result<Vec<IpAddr>>, was_answered: bool) {
    match answer {
        Err(error) if was_answered => {
            tracing::warn!(exporter, %error, "cannot look for backends: those that are known stay");
        }
        Err(error) => tracing::debug!(exporter, %error, "still no answer"),
        Ok(_) if !was_answered => tracing::info!(exporter, "there are answers again"),
        Ok(_) => {}
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
