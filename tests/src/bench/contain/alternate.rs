//! Lines on which a filter fails, each alone in its call and followed by a good one, so that every
//! one of them costs exactly one instance, and no breaker opens.
//!
//! In: where the host listens, and how many. Out: nothing but that all came back right: those that
//! failed as they were, the good ones in upper case.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{anyhow, bail};
use linemill_tests::Client;

/// Connections: fewer than the faults in a row after which a filter is started again with delay.
const CONNECTIONS: usize = 8;

/// Sends `count` of them; `meanwhile` sees now and then how many are done.
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
            thread.join().map_err(|_| anyhow!("a line was not right"))?;
        }
        match done.load(Ordering::Relaxed) {
            done if done == count => Ok(()),
            done => bail!("{done} of {count} lines were sent"),
        }
    })
}
