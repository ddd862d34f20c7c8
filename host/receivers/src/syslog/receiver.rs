//! The receiver binds its sockets when it is built and serves them when it runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumers, Kind, Receiver, Shutdown};
use host_config::{Check as _, Wrong};
use host_telemetry::listen;
use host_tls::Listener;

use super::config::{Config, TcpConfig, UdpConfig};
use super::framing::{Framer, Framing};
use super::{tcp, udp};
use crate::Deps;
use crate::entries::way::{Common, Names, Shared};

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: {told}")]
    Plan { id: ComponentId, told: String },
    #[error("{id}: cannot listen on {transport}.listen_address {endpoint:?}: {source}")]
    Bind { id: ComponentId, transport: &'static str, endpoint: String, source: io::Error },
}

/// The receiver, bound but not yet reading.
pub struct SyslogReceiver {
    tcp: Option<tcp::Port>,
    udp: Option<udp::Port>,
}

impl Config {
    /// Binds the sockets.
    ///
    /// # Errors
    /// When a value makes no sense, a certificate cannot be used or an address cannot be bound.
    pub fn build(self, id: &ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<SyslogReceiver, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id: id.clone(), wrong });
        }
        let shared = |transport| {
            let names = Names {
                dropped: "tidegate_syslog_dropped_entries",
                operator_errors: "tidegate_syslog_operator_errors",
                lost: Some("tidegate_syslog_lost_records"),
            };
            let common = Common {
                transport,
                names,
                operators: self.operators(),
                attributes: &self.attributes,
                resource: &self.resource,
                retry: &self.retry_on_failure,
            };
            Arc::new(Shared::new(id, common, consumers, deps.metrics, deps.budget))
        };
        Ok(SyslogReceiver {
            tcp: self.tcp.as_ref().map(|tcp| self.tcp(id, tcp, shared("tcp"), deps)).transpose()?,
            udp: self.udp.as_ref().map(|udp| Self::udp(id, udp, shared("udp"), deps)).transpose()?,
        })
    }

    fn tcp(
        &self,
        id: &ComponentId,
        tcp: &TcpConfig,
        shared: Arc<Shared>,
        deps: &Deps<'_>,
    ) -> Result<tcp::Port, BuildError> {
        let framing = match tcp {
            TcpConfig { one_log_per_packet: true, .. } => Framing::Whole,
            _ if self.enable_octet_counting => Framing::Octets,
            TcpConfig { multiline: None, .. } if self.ends_with_nul() => Framing::Nul,
            _ => Framing::Lines,
        };
        let framer = Framer::new(framing, tcp.cut()).map_err(|told| BuildError::Plan { id: id.clone(), told })?;
        let receiver = id.to_string();
        let listener = Listener { receiver: &receiver, transport: "tcp", key: "tcp.tls", alpn: &[], base: deps.base };
        let tls = tcp.tls.clone().map(|tls| tls.build(&listener, deps.metrics).map(Arc::new)).transpose();
        let tls = tls.map_err(|wrong| BuildError::Value { id: id.clone(), wrong })?;
        let bound = listen::bind(&tcp.listen_address, &owner(id)).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        let (listener, address) = bound.map_err(|source| unbound(id, "tcp", &tcp.listen_address, source))?;
        let labels = [("receiver", receiver.as_str())];
        let serving = tcp::Serving {
            shared,
            framer,
            idle: tcp.connection_idle_timeout,
            with_addresses: tcp.add_attributes,
            cut: deps.metrics.counter(
                "tidegate_syslog_truncated_bytes",
                "Bytes of messages that were too long.",
                &labels,
            ),
        };
        Ok(tcp::Port {
            listener,
            address,
            tls,
            max_connections: tcp.max_connections,
            connections: deps.metrics.gauge("tidegate_syslog_connections", "Connections that are open.", &labels),
            refused: deps.metrics.counter(
                "tidegate_syslog_refused_connections",
                "Connections that were closed at once, since there were too many.",
                &labels,
            ),
            serving: Arc::new(serving),
        })
    }

    fn udp(id: &ComponentId, udp: &UdpConfig, shared: Arc<Shared>, deps: &Deps<'_>) -> Result<udp::Port, BuildError> {
        let plan = |told| BuildError::Plan { id: id.clone(), told };
        // A line break is a part of a datagram's message, unless `multiline` says something else.
        let framing = if udp.multiline.is_some() { Framing::Lines } else { Framing::Whole };
        let framer = Framer::new(framing, udp.cut()).map_err(plan)?;
        let bound = listen::bind_datagrams(&udp.listen_address, &owner(id)).and_then(|socket| {
            let address = socket.local_addr()?;
            Ok((socket, address))
        });
        let (socket, address) = bound.map_err(|source| unbound(id, "udp", &udp.listen_address, source))?;
        udp::widen(socket.socket());
        let receiver = id.to_string();
        Ok(udp::Port {
            socket,
            address,
            shared,
            framer,
            is_whole: udp.one_log_per_packet,
            with_addresses: udp.add_attributes,
            dropped: deps.metrics.counter(
                "tidegate_syslog_lost_datagrams",
                "Datagrams that the kernel has dropped, since the pipeline took them too slowly.",
                &[("receiver", &receiver)],
            ),
        })
    }
}

impl SyslogReceiver {
    /// Where connections are accepted.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().map(|port| port.address)
    }

    /// Where datagrams are read.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp.as_ref().map(|port| port.address)
    }
}

fn owner(id: &ComponentId) -> String {
    format!("{} {id}", Kind::Receiver)
}

fn unbound(id: &ComponentId, transport: &'static str, endpoint: &str, source: io::Error) -> BuildError {
    BuildError::Bind { id: id.clone(), transport, endpoint: endpoint.to_owned(), source }
}

impl Receiver for SyslogReceiver {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        let (tcp, udp) = (self.tcp, self.udp);
        let over_tcp = tcp.map(|port| port.serve(shutdown.clone()));
        let over_udp = udp.map(|port| port.serve(shutdown));
        Box::pin(async move {
            let serve_tcp = async {
                if let Some(serving) = over_tcp {
                    serving.await;
                }
            };
            let serve_udp = async {
                if let Some(serving) = over_udp {
                    serving.await;
                }
            };
            tokio::join!(serve_tcp, serve_udp);
        })
    }
}
