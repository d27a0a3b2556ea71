//! Latency: one line at a time on one connection, every byte checked.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::pattern::Pattern;
use crate::peer::{Launch, Peer, Subject};
use crate::report::table;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Ping {
    #[command(flatten)]
    subject: Subject,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

impl Ping {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let pattern = self.subject.pattern()?;
        let mut rows = Vec::new();
        for launch in self.subject.launches()? {
            let peer: Peer = Launch::start(launch)?;
            let mut times =
                measure(peer.address, &pattern, self.subject.line + 1, time).context(peer.name)?;
            times.sort_unstable();
            let part = |percent: usize| {
                format!(
                    "{:.1}",
                    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6
                )
            };
            rows.push([
                peer.name.to_owned(),
                part(50),
                part(99),
                part(100),
                times.len().to_string(),
            ]);
        }
        println!(
            "one connection, one line of {} bytes at a time, every byte checked\n",
            self.subject.line
        );
        print!(
            "{}",
            table(&["peer", "median µs", "p99 µs", "max µs", "lines"], &rows)
        );
        Ok(())
    }
}

fn measure(
    address: SocketAddr,
    pattern: &Pattern,
    line: usize,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).context("connect")?;
    stream.set_nodelay(true)?;
    let (mut offset, mut times) = (0, Vec::new());
    let mut answer = vec![0; line];
    let start = Instant::now();
    while start.elapsed() < time + time / 4 {
        let sent = Instant::now();
        stream
            .write_all(pattern.sent(offset, line))
            .context("send")?;
        stream.read_exact(&mut answer).context("receive")?;
        let took = sent.elapsed();
        ensure!(
            answer == pattern.due(offset, line),
            "a wrong answer: {}",
            answer.escape_ascii()
        );
        if sent.duration_since(start) > time / 4 {
            times.push(took);
        }
        offset += line as u64;
    }
    ensure!(!times.is_empty(), "no line came back in time");
    Ok(times)
}
