//! The sockets by which this process is a client of others, and perhaps of itself.
//!
//! In: connections to upstreams, while they are made and while they last. Out: for the address of a client,
//! the name of the upstream that the connection leads to, if this process is that client. Sockets belong to
//! the process, so there is one set for all of it.
//! Not here: what follows from that (`listeners::loops`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// How long a client that may be this process is looked for, while connections are being made.
const LOOK: Duration = Duration::from_millis(20);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(1);

static OWN: LazyLock<Own> = LazyLock::new(Own::default);

#[derive(Debug, Default)]
struct Own(Mutex<Sockets>);

#[derive(Debug, Default)]
struct Sockets {
    /// The number of connections that are being made to each port, never 0: their own addresses are not
    /// known yet.
    connecting: HashMap<u16, usize>,
    /// By both addresses of a connection, its own first: the name of the upstream. Connections to
    /// different peers may have the same address of their own.
    connected: HashMap<(SocketAddr, SocketAddr), Arc<str>>,
}

/// A connection that is being made to a port, until dropped.
#[derive(Debug)]
pub struct Connecting(u16);

/// A connection that is made, until dropped.
#[derive(Debug)]
pub struct OwnSocket((SocketAddr, SocketAddr));

impl Connecting {
    /// Before a connection to `port` is made.
    pub fn begin(port: u16) -> Self {
        *OWN.lock().connecting.entry(port).or_default() += 1;
        Self(port)
    }

    /// The connection has been made, to the upstream of this name. Before anything is sent. `None` if it
    /// is broken already.
    pub fn made(self, stream: &TcpStream, upstream: &str) -> Option<OwnSocket> {
        let (from, to) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
        Some(self.made_from(from, to, upstream))
    }

    fn made_from(self, from: SocketAddr, to: SocketAddr, upstream: &str) -> OwnSocket {
        let ends = (canonical(from), canonical(to));
        OWN.lock().connected.insert(ends, upstream.into());
        OwnSocket(ends)
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let mut own = OWN.lock();
        if let Entry::Occupied(mut count) = own.connecting.entry(self.0) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Drop for OwnSocket {
    fn drop(&mut self) {
        OWN.lock().connected.remove(&self.0);
    }
}

impl Own {
    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the upstream to which a client at `peer` is connected, if the client is this process. It was
/// accepted at `local`. It may have been accepted before the connecting end knows its own address, which
/// takes a moment.
pub async fn upstream_of(peer: SocketAddr, local: SocketAddr) -> Option<Arc<str>> {
    let (peer, local) = (canonical(peer), canonical(local));
    let both_loop_back = peer.ip().is_loopback() && local.ip().is_loopback();
    let may_be_own = both_loop_back || peer.ip() == local.ip();
    let until = Instant::now() + LOOK;
    loop {
        {
            let own = OWN.lock();
            if let Some(upstream) = own.connected.get(&(peer, local)) {
                return Some(Arc::clone(upstream));
            }
            if !may_be_own || !own.connecting.contains_key(&local.port()) {
                return None;
            }
        }
        if Instant::now() >= until {
            return None;
        }
        sleep(PAUSE).await;
    }
}

/// IPv4 as such, and without what only one of the two ends knows.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_known_while_it_lasts() {
        let address = |text: &str| -> SocketAddr { text.parse().expect("an address") };
        let made_from = address("[::ffff:127.0.0.7]:50000");
        let (seen, at) = (address("127.0.0.7:50000"), address("127.0.0.1:4711"));
        let connecting = Connecting::begin(at.port());
        let looking = tokio::spawn(upstream_of(seen, at));
        tokio::task::yield_now().await;
        let own = connecting.made_from(made_from, at, "tcp://a:1");
        let found = looking.await.expect("no panic");
        assert_eq!(found.as_deref(), Some("tcp://a:1"));
        // Another program may have the same address and port, to another peer.
        assert_eq!(upstream_of(seen, address("127.0.0.1:4712")).await, None);
        drop(own);
        assert_eq!(upstream_of(seen, at).await, None);
        assert!(!OWN.lock().connecting.contains_key(&at.port()));
    }
}
