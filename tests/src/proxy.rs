//! A TCP proxy that injects the faults of networks and peers.
//!
//! In: connections to [`Proxy::address`], and [`Faults`] for each direction. Out: the same bytes,
//! delayed, in small pieces, stalled, or cut off by a reset. Half-closes and resets are passed on.
//! Dropping the proxy ends its connections. Not here: changes to the bytes themselves.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// The faults of one direction. The default is none.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Delay of each piece.
    pub delay: Duration,
    /// Largest piece, in bytes.
    pub piece: usize,
    /// After this many bytes, both connections are reset.
    pub reset_after: Option<u64>,
    /// After this many bytes, nothing more is read until [`Proxy::resume`].
    pub stall_after: Option<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            piece: 64 * 1024,
            reset_after: None,
            stall_after: None,
        }
    }
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    stalling: watch::Sender<bool>,
    passed: Arc<[AtomicU64; 2]>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Passes connections on to `target`. `up` applies to bytes towards the target, `down` to bytes
    /// from it.
    pub fn to(target: SocketAddr, up: Faults, down: Faults) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (stalling, stall) = watch::channel(true);
        let passed: Arc<[AtomicU64; 2]> = Arc::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a port is free");
        let address = listener.local_addr().expect("it has a name");
        let counted = Arc::clone(&passed);
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let accept = async {
                    loop {
                        let Ok((client, _)) = listener.accept().await else {
                            return;
                        };
                        let (passed, stall) = (Arc::clone(&counted), stall.clone());
                        tokio::spawn(async move {
                            pass(client, target, [up, down], &passed, stall).await;
                        });
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
            // Dropping the runtime drops all connections.
        });
        Self {
            address,
            stalling,
            passed,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The address it accepts connections at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every stall, now and in the future.
    pub fn resume(&self) {
        // Fails if there are no connections.
        let _ = self.stalling.send(false);
    }

    /// Bytes passed to the target, over all connections.
    pub fn passed_up(&self) -> u64 {
        self.passed[0].load(Ordering::Relaxed)
    }

    /// Bytes passed back from the target, over all connections.
    pub fn passed_down(&self) -> u64 {
        self.passed[1].load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves one connection until it ends.
async fn pass(
    mut client: TcpStream,
    target: SocketAddr,
    [up, down]: [Faults; 2],
    passed: &[AtomicU64; 2],
    stall: watch::Receiver<bool>,
) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        // Dropping `client` closes its connection.
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    let both = tokio::try_join!(
        relay(client_read, server_write, up, &passed[0], stall.clone()),
        relay(server_read, client_write, down, &passed[1], stall),
    );
    if both.is_err() {
        // Then closing sends a reset.
        for stream in [client, server] {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Passes bytes on, and then the FIN. An error means that both connections must be reset.
async fn relay(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    faults: Faults,
    passed: &AtomicU64,
    mut stall: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut piece = vec![0; faults.piece];
    let mut count = 0;
    loop {
        let mut most = faults.piece as u64;
        if let Some(stop) = faults.stall_after {
            if count < stop {
                most = most.min(stop - count);
            } else {
                stall
                    .wait_for(|stalling| !stalling)
                    .await
                    .map_err(io::Error::other)?;
            }
        }
        if let Some(stop) = faults.reset_after {
            most = most.min(stop - count);
        }
        if most == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = usize::try_from(most).unwrap_or(faults.piece);
        let read = from.read(&mut piece[..most]).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        if !faults.delay.is_zero() {
            tokio::time::sleep(faults.delay).await;
        }
        to.write_all(&piece[..read]).await?;
        count += read as u64;
        passed.fetch_add(read as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Faults, Proxy};
    use crate::{Client, Upstream, eventually};

    #[test]
    fn bytes_and_half_closes_go_through_in_pieces() {
        let upstream = Upstream::tcp();
        let small = Faults {
            piece: 3,
            delay: Duration::from_millis(1),
            ..Faults::default()
        };
        let proxy = Proxy::to(upstream.address(), small, small);
        let mut client = Client::connect(proxy.address());
        let mut server = upstream.accept();
        let start = Instant::now();
        client.send(b"one two three");
        client.finish();
        assert_eq!(server.rest(), b"one two three");
        // 13 bytes are five pieces.
        assert!(start.elapsed() >= Duration::from_millis(5));
        server.send(b"answer");
        client.expect(b"answer");
        server.finish();
        client.expect_end();
        assert_eq!((proxy.passed_up(), proxy.passed_down()), (13, 6));
    }

    #[test]
    fn both_ends_are_reset_after_the_given_number_of_bytes() {
        let upstream = Upstream::tcp();
        let cut = Faults {
            reset_after: Some(5),
            ..Faults::default()
        };
        for (up, down) in [(cut, Faults::default()), (Faults::default(), cut)] {
            let proxy = Proxy::to(upstream.address(), up, down);
            let mut client = Client::connect(proxy.address());
            let mut server = upstream.accept();
            // Send in the direction with the reset last: after it, neither end can send.
            if up.reset_after.is_some() {
                server.send(b"9876543210");
                client.send(b"0123456789");
            } else {
                client.send(b"0123456789");
                server.send(b"9876543210");
            }
            for end in [&mut client, &mut server] {
                let (rest, end) = end.rest_until_end();
                end.expect_err("a reset is not a FIN");
                assert!(rest.len() <= 10);
            }
            eventually("five bytes", || {
                (proxy.passed_up() == 5 || proxy.passed_down() == 5).then_some(())
            });
        }
    }

    #[test]
    fn a_stall_ends_at_resume() {
        let upstream = Upstream::tcp();
        let stall = Faults {
            stall_after: Some(4),
            ..Faults::default()
        };
        let proxy = Proxy::to(upstream.address(), Faults::default(), stall);
        let mut client = Client::connect(proxy.address());
        let mut server = upstream.accept();
        server.send(b"before, after");
        client.expect(b"befo");
        client.expect_silence(Duration::from_millis(50));
        proxy.resume();
        client.expect(b"re, after");
    }

    #[test]
    fn a_reset_of_one_end_reaches_the_other() {
        let upstream = Upstream::tcp();
        let proxy = Proxy::to(upstream.address(), Faults::default(), Faults::default());
        let client = Client::connect(proxy.address());
        let mut server = upstream.accept();
        client.reset();
        server.rest_until_end().1.expect_err("a reset is not a FIN");
    }

    #[test]
    fn dropping_the_proxy_ends_its_connections() {
        let upstream = Upstream::tcp();
        let proxy = Proxy::to(upstream.address(), Faults::default(), Faults::default());
        let (mut client, mut server) = (Client::connect(proxy.address()), upstream.accept());
        let address = proxy.address();
        drop(proxy);
        client.expect_refusal();
        server.expect_refusal();
        Client::try_connect(address).expect_err("nothing listens");
    }
}
