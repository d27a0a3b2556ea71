//! Memory of the host while many connections send and never read the answers; and a connection that
//! pauses, half-closes, and then reads everything.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::{Folder, memory};

use crate::pattern::{Pattern, STRETCH};
use crate::peer::{Peer, Subject};

/// If no byte was accepted for this long, none will be.
const STILL: Duration = Duration::from_secs(1);
/// The longest time that either part may take.
const PATIENCE: Duration = Duration::from_secs(120);
const MIB: u64 = 1 << 20;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Stuck {
    #[command(flatten)]
    subject: Subject,
    /// Connections that never read
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// MiB offered to each
    #[arg(long, default_value_t = 64)]
    offered: u64,
    /// MiB offered to the reader that pauses
    #[arg(long, default_value_t = 50)]
    paused: u64,
    /// Fail when the host grows by more than this many MiB
    #[arg(long)]
    at_most: Option<f64>,
}

impl Stuck {
    /// Measures and prints the results.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let folder = Folder::new();
        // The host must not close connections that do not read.
        let timeouts = "write_timeout = \"0s\"\nidle_timeout = \"0s\"";
        let peer: Peer = self.subject.configured(&folder, timeouts)?.start()?;
        let pattern = self.subject.pattern()?;
        let grown = self.stuck(&peer, &pattern)?;
        paused(peer.address, &pattern, self.paused * MIB).context("a reader that paused")?;
        println!(
            "a reader that paused and half-closed got {} MiB byte for byte, then the end",
            self.paused
        );
        ensure!(
            self.at_most.is_none_or(|most| grown <= most),
            "the host grew by {grown:.1} MiB"
        );
        Ok(())
    }

    /// By how many MiB the host grows.
    fn stuck(&self, peer: &Peer, pattern: &Pattern) -> anyhow::Result<f64> {
        // One-time costs, of instances and threads, are not a connection's.
        paused(peer.address, pattern, 4 * MIB).context("the first connection")?;
        let before = memory(peer.id())?;
        let mut clients: Vec<(TcpStream, u64)> = (0..self.connections)
            .map(|_| {
                let stream = TcpStream::connect(peer.address).context("connect")?;
                stream.set_nonblocking(true)?;
                Ok((stream, 0))
            })
            .collect::<anyhow::Result<_>>()?;
        let (start, mut progress, mut peak) = (Instant::now(), Instant::now(), 0);
        while progress.elapsed() < STILL {
            ensure!(
                start.elapsed() < PATIENCE,
                "the limit of {PATIENCE:?} was reached"
            );
            for (stream, sent) in &mut clients {
                if offer(stream, pattern, sent, self.offered * MIB)? {
                    progress = Instant::now();
                }
            }
            peak = peak.max(memory(peer.id())?.resident);
            thread::sleep(Duration::from_millis(10));
        }
        let grown = peak.saturating_sub(before.resident) as f64 / MIB as f64;
        let taken = clients.iter().map(|(_, sent)| sent).sum::<u64>() / MIB;
        println!(
            "{} connections that never read, {} MiB offered to each, {taken} MiB taken by host and kernel in all:\n\
             the host had {:.1} MiB and grew by {grown:.1}, {:.1} KiB each",
            self.connections,
            self.offered,
            before.resident as f64 / MIB as f64,
            grown * 1024.0 / self.connections as f64
        );
        Ok(grown)
    }
}

/// Writes as much as the socket accepts. Returns whether it accepted a byte.
fn offer(
    mut stream: &TcpStream,
    pattern: &Pattern,
    sent: &mut u64,
    most: u64,
) -> anyhow::Result<bool> {
    let before = *sent;
    while *sent < most {
        match stream.write(pattern.sent(*sent, pattern.period())) {
            Ok(count) => *sent += count as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error).context("a connection that does not read was closed"),
        }
    }
    Ok(*sent > before)
}

/// Sends this many bytes and half-closes. Reads nothing until the socket accepts no more, then
/// everything.
fn paused(address: SocketAddr, pattern: &Pattern, size: u64) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).context("connect")?;
    stream.set_nonblocking(true)?;
    let line = pattern.period() as u64;
    let size = size / line * line;
    let (start, mut progress, mut sent) = (Instant::now(), Instant::now(), 0);
    while sent < size && progress.elapsed() < STILL {
        if offer(&stream, pattern, &mut sent, size)? {
            progress = Instant::now();
        }
        thread::sleep(Duration::from_millis(5));
        ensure!(
            start.elapsed() < PATIENCE,
            "the limit of {PATIENCE:?} was reached"
        );
    }
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    thread::scope(|scope| {
        let sender = scope.spawn(|| -> anyhow::Result<()> {
            while sent < size {
                let length = usize::try_from(size - sent)?.min(pattern.period());
                let mut to = &stream;
                to.write_all(pattern.sent(sent, length)).context("send")?;
                sent += length as u64;
            }
            stream.shutdown(Shutdown::Write).context("end of input")
        });
        let (mut block, mut got, mut from) = (vec![0; STRETCH], 0, &stream);
        loop {
            let count = from.read(&mut block).context("receive")?;
            if count == 0 {
                break;
            }
            ensure!(
                block[..count] == *pattern.due(got, count),
                "a wrong byte after {got}"
            );
            got += count as u64;
        }
        sender
            .join()
            .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        ensure!(got >= size, "the end came after {got} of {size} bytes");
        Ok(())
    })
}
