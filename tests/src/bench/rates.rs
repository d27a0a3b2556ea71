//! How exactly rate limits are kept, per connection and in total.
//!
//! The host reads everything that has arrived and then waits until the limit allows more, so bytes
//! come back in steps. A rate is therefore computed from the first step to the last: the bytes of all
//! steps except the first, divided by the time between the two.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::Folder;

use crate::pattern::Pattern;
use crate::peer::{Peer, Subject};
use crate::report::table;

/// Time for the initial burst to pass before the measurement starts.
const WARM_UP: Duration = Duration::from_secs(3);

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Rates {
    #[command(flatten)]
    subject: Subject,
    /// Connections
    #[arg(long, default_value_t = 30)]
    connections: usize,
    /// Bytes per second of each connection; the total limit is the sum of all
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// Seconds of one measurement, after a warm-up
    #[arg(long, default_value_t = 12.0)]
    seconds: f64,
    /// Fail when a rate differs from its limit by more than this many percent
    #[arg(long)]
    within: Option<f64>,
}

/// A time, and the bytes that arrived then.
type Step = (Instant, u64);

impl Rates {
    /// Measures both limits and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(self.connections > 0, "nothing to measure");
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let all = self.rate * self.connections as u64;
        let each = format!("rate = {{ bytes = \"{}B\" }}", self.rate);
        let connections = self.measure(&each, seconds)?;
        let worst = connections
            .iter()
            .map(|steps| error(steps, self.rate))
            .collect::<Result<Vec<f64>, _>>()?
            .into_iter()
            .fold(0.0, |worst: f64, error| {
                if error.abs() > worst.abs() {
                    error
                } else {
                    worst
                }
            });
        let total = format!("total_rate = {{ bytes = \"{all}B\" }}");
        let mut merged = self.measure(&total, seconds)?.concat();
        merged.sort_by_key(|(time, _)| *time);
        let group = error(&merged, all)?;
        println!(
            "{} connections that always have more to send, {} s, every byte checked\n",
            self.connections, self.seconds
        );
        let row = |what: &str, rate: u64, error: f64| {
            [what.to_owned(), rate.to_string(), format!("{error:+.2}")]
        };
        let rows = [
            row("each, the worst", self.rate, worst),
            row("all together", all, group),
        ];
        print!("{}", table(&["limit", "bytes/s", "error %"], &rows));
        let most = worst.abs().max(group.abs());
        ensure!(
            self.within.is_none_or(|within| most <= within),
            "off by {most:.2} %"
        );
        Ok(())
    }

    /// Measures the steps of each connection to a host with this limit.
    fn measure(&self, limit: &str, time: Duration) -> anyhow::Result<Vec<Vec<Step>>> {
        let folder = Folder::new();
        let peer: Peer = self.subject.configured(&folder, limit)?.start()?;
        let pattern = self.subject.pattern()?;
        let end = Instant::now() + WARM_UP + time;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|_| scope.spawn(|| follow(peer.address, &pattern, end)))
                .collect();
            let from = end - time;
            threads
                .into_iter()
                .map(|thread| {
                    let steps = thread
                        .join()
                        .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
                    Ok(steps.into_iter().filter(|(at, _)| *at >= from).collect())
                })
                .collect()
        })
    }
}

/// How far a rate differs from its limit, in percent.
fn error(steps: &[Step], rate: u64) -> anyhow::Result<f64> {
    let (Some((first, _)), Some((last, _))) = (steps.first(), steps.last()) else {
        anyhow::bail!("nothing came");
    };
    let time = (*last - *first).as_secs_f64();
    ensure!(time > 0.0, "everything arrived at once");
    let bytes: u64 = steps[1..].iter().map(|(_, bytes)| bytes).sum();
    Ok((bytes as f64 / time / rate as f64 - 1.0) * 100.0)
}

/// Keeps a connection full and records what comes back, until `end`.
fn follow(address: SocketAddr, pattern: &Pattern, end: Instant) -> anyhow::Result<Vec<Step>> {
    let stream = TcpStream::connect(address).context("connect")?;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let (mut sent, mut got, mut steps) = (0, 0, Vec::new());
    let mut block = vec![0; 16 * 1024];
    while Instant::now() < end {
        let (mut to, mut from) = (&stream, &stream);
        // At a thousand bytes per second, this much lasts long.
        if sent < got + 64 * 1024 {
            match to.write(pattern.sent(sent, 4096)) {
                Ok(count) => sent += count as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("send"),
            }
        }
        match from.read(&mut block) {
            Ok(0) => anyhow::bail!("closed"),
            Ok(count) => {
                ensure!(
                    block[..count] == *pattern.due(got, count),
                    "a wrong byte after {got}"
                );
                got += count as u64;
                steps.push((Instant::now(), count as u64));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error).context("receive"),
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    #[test]
    fn a_rate_is_computed_between_steps() {
        let start = Instant::now();
        let steps: Vec<super::Step> = (0..11)
            .map(|second| (start + Duration::from_secs(second), 1000))
            .collect();
        let error = super::error(&steps, 1000).expect("steps");
        assert!(error.abs() < 1e-9, "{error}");
        let error = super::error(&steps, 500).expect("steps");
        assert!((error - 100.0).abs() < 1e-9, "{error}");
    }
}
