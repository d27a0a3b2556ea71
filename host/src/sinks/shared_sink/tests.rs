//! Shared sinks against upstreams that fail them.

mod cuts;
mod doubt;
mod down;
mod many;
mod random;
mod tls;

use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::sinks::metrics::LossReason;
use crate::sinks::testing::{MUCH, batch, late, metrics, options, until, upstream, upstream_with};

/// How often an upstream is tried in 60 seconds when it never works: waits of 0.1 s double up to
/// 0.8 s, and each is up to a fifth shorter.
const ATTEMPTS_OF_A_MINUTE: std::ops::RangeInclusive<u64> = 75..=98;

/// A port that is listened on, and the destination for it.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    (listener, to)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.expect("accepted").0
}

/// Ends a connection by a reset.
fn reset(peer: TcpStream) {
    let linger = Some(std::time::Duration::ZERO);
    socket2::SockRef::from(&peer)
        .set_linger(linger)
        .expect("set");
}

/// Lines that are lost because they were not acknowledged.
fn unacknowledged(counts: &OutputMetrics) -> u64 {
    counts.lost.of(LossReason::Unacknowledged).get()
}

/// Waits until something holds, and lets time pass meanwhile.
async fn eventually(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
