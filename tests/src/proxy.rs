//! A TCP proxy that does to a connection what networks and odd peers do.
//!
//! In: connections to [`Proxy::address`], and for either direction a [`Way`] to treat its bytes.
//! Out: the same bytes to and from the target, late, in small pieces, stalled, or cut by a reset.
//! A half-close is passed on, and so is a reset. It ends when it is dropped.

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

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Time that each piece waits before it is passed on.
    pub delay: Duration,
    /// Most bytes of a piece.
    pub piece: usize,
    /// After so many bytes, both connections are reset.
    pub reset_after: Option<u64>,
    /// After so many bytes, nothing more is read until [`Proxy::go_on`].
    pub stall_after: Option<u64>,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            piece: 64 * 1024,
            reset_after: None,
            stall_after: None,
        }
    }
}

/// A proxy that runs.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    stalling: watch::Sender<bool>,
    passed: Arc<[AtomicU64; 2]>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Passes connections on to `target`: `up` is the way to it, `down` the way back.
    pub fn to(target: SocketAddr, up: Way, down: Way) -> Self {
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
            // Here all connections are dropped with the runtime.
        });
        Self {
            address,
            stalling,
            passed,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it accepts.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every stall, those to come too.
    pub fn go_on(&self) {
        // None may be there to listen.
        let _ = self.stalling.send(false);
    }

    /// Bytes passed on to the target, of all connections.
    pub fn passed_up(&self) -> u64 {
        self.passed[0].load(Ordering::Relaxed)
    }

    /// Bytes passed back from the target, of all connections.
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

/// One connection, to its end.
async fn pass(
    mut client: TcpStream,
    target: SocketAddr,
    [up, down]: [Way; 2],
    passed: &[AtomicU64; 2],
    stall: watch::Receiver<bool>,
) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        // The client sees the end at once.
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    let both = tokio::try_join!(
        one_way(client_read, server_write, up, &passed[0], stall.clone()),
        one_way(server_read, client_write, down, &passed[1], stall),
    );
    if both.is_err() {
        // Closing then sends a reset.
        for stream in [client, server] {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Passes bytes on up to the FIN, which goes on too. An error asks for a reset of both.
async fn one_way(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    passed: &AtomicU64,
    mut stall: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut piece = vec![0; way.piece];
    let mut count = 0;
    loop {
        let mut most = way.piece as u64;
        if let Some(stop) = way.stall_after {
            if count < stop {
                most = most.min(stop - count);
            } else {
                stall
                    .wait_for(|stalling| !stalling)
                    .await
                    .map_err(io::Error::other)?;
            }
        }
        if let Some(stop) = way.reset_after {
            most = most.min(stop - count);
        }
        if most == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = usize::try_from(most).unwrap_or(way.piece);
        let read = from.read(&mut piece[..most]).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        if !way.delay.is_zero() {
            tokio::time::sleep(way.delay).await;
        }
        to.write_all(&piece[..read]).await?;
        count += read as u64;
        passed.fetch_add(read as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Proxy, Way};
    use crate::{Client, Hop, eventually};

    #[test]
    fn bytes_and_half_closes_go_through_in_pieces() {
        let hop = Hop::tcp();
        let small = Way {
            piece: 3,
            delay: Duration::from_millis(1),
            ..Way::default()
        };
        let proxy = Proxy::to(hop.address(), small, small);
        let mut client = Client::connect(proxy.address());
        let mut server = hop.accept();
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
    fn a_reset_comes_after_so_many_bytes_and_at_both_ends() {
        let hop = Hop::tcp();
        let cut = Way {
            reset_after: Some(5),
            ..Way::default()
        };
        for (up, down) in [(cut, Way::default()), (Way::default(), cut)] {
            let proxy = Proxy::to(hop.address(), up, down);
            let mut client = Client::connect(proxy.address());
            let mut server = hop.accept();
            // The way that is cut comes last: after the reset nobody can send.
            if up.reset_after.is_some() {
                server.send(b"9876543210");
                client.send(b"0123456789");
            } else {
                client.send(b"0123456789");
                server.send(b"9876543210");
            }
            for end in [&mut client, &mut server] {
                let (rest, end) = end.rest_until_end();
                end.expect_err("a reset is no FIN");
                assert!(rest.len() <= 10);
            }
            eventually("five bytes", || {
                (proxy.passed_up() == 5 || proxy.passed_down() == 5).then_some(())
            });
        }
    }

    #[test]
    fn a_stall_ends_when_it_is_told_to() {
        let hop = Hop::tcp();
        let stall = Way {
            stall_after: Some(4),
            ..Way::default()
        };
        let proxy = Proxy::to(hop.address(), Way::default(), stall);
        let mut client = Client::connect(proxy.address());
        let mut server = hop.accept();
        server.send(b"before, after");
        client.expect(b"befo");
        client.expect_silence(Duration::from_millis(50));
        proxy.go_on();
        client.expect(b"re, after");
    }

    #[test]
    fn a_reset_of_one_end_reaches_the_other() {
        let hop = Hop::tcp();
        let proxy = Proxy::to(hop.address(), Way::default(), Way::default());
        let client = Client::connect(proxy.address());
        let mut server = hop.accept();
        client.reset();
        server.rest_until_end().1.expect_err("a reset is no FIN");
    }

    #[test]
    fn dropping_it_ends_its_connections() {
        let hop = Hop::tcp();
        let proxy = Proxy::to(hop.address(), Way::default(), Way::default());
        let (mut client, mut server) = (Client::connect(proxy.address()), hop.accept());
        let address = proxy.address();
        drop(proxy);
        client.expect_refusal();
        server.expect_refusal();
        Client::try_connect(address).expect_err("nobody listens");
    }
}
