//! Messages over UDP: each datagram is one, but for what `multiline` cuts.

use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use host_component::Shutdown;
use host_telemetry::{Counter, listen};
use socket2::SockRef;

use super::LAST_MOMENT;
use super::addresses::addresses;
use super::framing::Framer;
use crate::entries::entry::Value;
use crate::entries::way::{Shared, Way};

/// The longest datagram.
pub(super) const MAX_DATAGRAM: usize = 64 << 10;
/// Datagrams that are read before what came is sent.
const AT_A_TIME: usize = 256;
/// What the kernel is asked to keep while nobody reads.
const KEPT: usize = 8 << 20;
/// How often it is looked at what the kernel has dropped.
const LOOK: Duration = Duration::from_secs(2);

/// The bound socket, and what is made of its datagrams.
pub(super) struct Port {
    pub(super) socket: listen::Datagrams,
    pub(super) address: SocketAddr,
    pub(super) shared: Arc<Shared>,
    pub(super) framer: Framer,
    /// Whether a datagram is one message, with what stands around it.
    pub(super) is_whole: bool,
    pub(super) with_addresses: bool,
    pub(super) dropped: Counter,
}

/// Has the kernel keep more of what comes while nobody reads, as far as this process may ask for it.
pub(super) fn widen(socket: &UdpSocket) {
    let _ = SockRef::from(socket).set_recv_buffer_size(KEPT);
}

impl Port {
    /// Reads until the shutdown, and what had come by then.
    pub(super) async fn serve(self, mut shutdown: Shutdown) {
        let owner = self.shared.id.to_string();
        let inode = rustix::fs::fstat(self.socket.socket().as_fd()).map(|stat| stat.st_ino).unwrap_or_default();
        let (socket, way) = match (self.socket.reading(), Way::new(Arc::clone(&self.shared), shutdown.clone())) {
            (Ok(socket), Ok(way)) => (socket, way),
            (Err(error), _) => {
                tracing::error!(receiver = owner, %error, "cannot serve the socket");
                return;
            }
            (_, Err(error)) => {
                tracing::error!(receiver = owner, error, "cannot serve the socket");
                return;
            }
        };
        tracing::info!(receiver = owner, transport = "udp", address = %self.address, "listening");
        let local = self.with_addresses.then_some(self.address);
        let mut reader =
            Reader { framer: self.framer, is_whole: self.is_whole, local, way, buffer: vec![0; MAX_DATAGRAM] };
        let mut drops = Drops { inode, seen: drops(inode).unwrap_or_default(), counter: self.dropped, has_told: false };
        let mut look = tokio::time::interval(LOOK);
        while !shutdown.is_fired() {
            tokio::select! {
                biased;
                () = shutdown.wait() => break,
                () = reader.way.has_room() => {}
                _ = look.tick() => {
                    drops.look(&owner);
                    continue;
                }
            }
            let ready = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                ready = socket.readable() => ready,
                () = reader.way.meanwhile() => continue,
                _ = look.tick() => {
                    drops.look(&owner);
                    continue;
                }
            };
            if let Err(error) = ready.and_then(|()| reader.read(&socket).map(drop)) {
                tracing::warn!(receiver = owner, %error, "cannot read datagrams");
                tokio::time::sleep(LOOK).await;
            }
        }
        let last = tokio::time::timeout(LAST_MOMENT, socket.readable()).await;
        if last.is_ok() {
            reader.last_words(&socket, &owner);
        }
        drops.look(&owner);
        drop(socket);
        reader.way.end().await;
    }
}

struct Reader {
    framer: Framer,
    is_whole: bool,
    local: Option<SocketAddr>,
    way: Way,
    buffer: Vec<u8>,
}

impl Reader {
    /// What had come before the receiver had to end: no more than the kernel can have kept.
    fn last_words(&mut self, socket: &listen::Reading, owner: &str) {
        for _ in 0..KEPT / AT_A_TIME / 64 {
            match self.read(socket) {
                Ok(count) if count > 0 => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(receiver = owner, %error, "cannot read the last datagrams");
                    return;
                }
            }
        }
    }

    /// Reads what has come, up to a bound. Gives how many there were.
    fn read(&mut self, socket: &listen::Reading) -> io::Result<usize> {
        let mut read = 0;
        for _ in 0..AT_A_TIME {
            let (count, peer) = match socket.read(&mut self.buffer) {
                Ok(came) => came,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            self.datagram(count, peer);
            read += 1;
        }
        self.way.went_on();
        Ok(read)
    }

    fn datagram(&mut self, count: usize, peer: SocketAddr) {
        let own = self.local.map(|local| addresses("IP.UDP", peer, Some(local))).unwrap_or_default();
        let bytes = self.buffer.get(..count).unwrap_or_default();
        // What ends it is no part of it.
        let end = bytes.iter().rposition(|byte| *byte >= b' ').map_or(0, |last| last + 1);
        let bytes = bytes.get(..end).unwrap_or_default();
        let (framer, way) = (&self.framer, &mut self.way);
        let mut take = |bytes: &[u8]| {
            let text = framer.text(bytes);
            if !text.is_empty() {
                way.take(Value::Text(text), 0, &own);
            }
        };
        if self.is_whole {
            return take(bytes);
        }
        let mut at = 0;
        while let Some(frame) = framer.next(bytes, at) {
            take(bytes.get(frame.content).unwrap_or_default());
            at = frame.next;
        }
        if let Some(frame) = framer.rest(bytes, at) {
            take(bytes.get(frame.content).unwrap_or_default());
        }
    }
}

/// What the kernel has dropped of a socket's datagrams, since there was no room.
struct Drops {
    inode: u64,
    seen: u64,
    counter: Counter,
    has_told: bool,
}

impl Drops {
    fn look(&mut self, owner: &str) {
        let Some(now) = drops(self.inode) else { return };
        let new = now.saturating_sub(self.seen);
        self.seen = now;
        self.counter.inc_by(new);
        if new > 0 && !self.has_told {
            self.has_told = true;
            tracing::warn!(
                receiver = owner,
                datagrams = new,
                "the kernel has dropped datagrams, since the pipeline takes them too slowly; further ones are only counted"
            );
        }
    }
}

/// The kernel's own count for a socket.
fn drops(inode: u64) -> Option<u64> {
    let wanted = inode.to_string();
    ["/proc/self/net/udp", "/proc/self/net/udp6"].iter().find_map(|path| {
        let table = fs::read_to_string(path).ok()?;
        let fields = table.lines().skip(1).map(|line| line.split_ascii_whitespace());
        fields
            .filter_map(|mut fields| Some((fields.nth(9)?, fields.last()?)))
            .find(|(found, _)| *found == wanted)?
            .1
            .parse()
            .ok()
    })
}
