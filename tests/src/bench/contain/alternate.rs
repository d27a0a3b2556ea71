//! Lines on which a filter fails, each alone in its call and followed by a good line, so that each
//! costs exactly one instance and no breaker opens.
//!
//! In: the host's address, and the number of lines. Out: nothing, or an error if a line came back
//! wrong. Lines that failed must come back unchanged, good ones in upper case.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{anyhow, bail};
use linemill_tests::Client;

/// Connections: fewer than the consecutive faults after which a filter is restarted with a delay.
const CONNECTIONS: usize = 8;

/// Sends `count` bad lines; calls `meanwhile` now and then with the number that are done.
pub(super) fn send(
    address: SocketAddr,
    count: u64,
    mut meanwhile: impl FnMut(u64),
) -> anyhow::Result<()> {
    let (taken, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let one = || {
        let mut client = Client::connect(address);
        while taken.fetch_add(1, Ordering::Relaxed) < count {
            for (line, due) in [(b"bad!\n", b"bad!\n"), (b"good\n", b"GOOD\n")] {
                client.send(line);
                client.expect(due);
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(one)).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            thread::sleep(std::time::Duration::from_millis(5));
            meanwhile(done.load(Ordering::Relaxed));
        }
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow!("a line came back wrong"))?;
        }
        match done.load(Ordering::Relaxed) {
            done if done == count => Ok(()),
            done => bail!("{done} of {count} lines were sent"),
        }
    })
}
