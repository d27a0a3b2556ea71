//! Numbered lines that show what outages of an upstream do to them.
//!
//! In: the kind of outage, how often and how long, and how many lines per second flow meanwhile. Out: a
//! [`Report`], once every line has been accounted for; or the first line that was damaged, came out of
//! order within a connection, or was not accounted for.
//!
//! | module | what it does |
//! |---|---|
//! | `receiver` | the upstream: a process of its own, which can be killed |
//! | `flow` | sends lines at a steady pace |
//! | `account` | compares what was sent with what came |
//!
//! Not here: how many lines may be lost, and how fast is fast enough. The tests run this for seconds,
//! `linemill-bench` for minutes.

mod account;
mod flow;
mod receiver;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::ValueEnum;

use crate::{Host, Network};
pub(crate) use account::Account;
pub(crate) use flow::Flow;
pub(crate) use receiver::Receiver;
pub use receiver::receive;

/// What happens to the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Outage {
    /// It is killed, and started again.
    Killed,
    /// It is stopped by a signal, and goes on later: connections stay open.
    Stopped,
    /// Packets to and from it are dropped.
    Cut,
    /// It closes its connections when it has read what came, and is started again.
    Restarted,
}

/// Outages under a steady flow of lines.
#[derive(Debug, Clone, Copy)]
pub struct Outages {
    /// Their kind.
    pub kind: Outage,
    /// For how long they go on.
    pub time: Duration,
    /// How long the upstream is up before each of them, from when lines come.
    pub up: Duration,
    /// How long each of them lasts.
    pub down: Duration,
    /// Lines per second.
    pub lines: u32,
    /// The value of the key `resend`.
    pub resend: bool,
}

/// What became of the lines.
#[derive(Debug, Clone)]
pub struct Report {
    /// Lines that were sent to the host.
    pub sent: u64,
    /// Lines that the host counts as delivered.
    pub delivered: u64,
    /// Lines that the host counts as lost.
    pub lost: u64,
    /// Lines that the host counts as sent again.
    pub resent: u64,
    /// Lines that came, each counted once.
    pub came: u64,
    /// Lines that came again.
    pub doubled: u64,
    /// For each outage, how long after its end the next line came.
    pub recoveries: Vec<Duration>,
}

impl Report {
    /// Lines that never came.
    pub fn missing(&self) -> u64 {
        self.sent - self.came
    }

    /// Lines that never came and are not counted as lost, at least.
    pub fn unaccounted(&self) -> u64 {
        self.missing().saturating_sub(self.lost)
    }

    /// The longest time from the end of an outage to the next line.
    pub fn slowest(&self) -> Duration {
        self.recoveries.iter().max().copied().unwrap_or_default()
    }
}

impl Outages {
    /// Runs them.
    ///
    /// # Errors
    /// The first line for which there is no account.
    pub fn run(&self) -> anyhow::Result<Report> {
        let network = match self.kind {
            Outage::Cut => Some(Network::new().map_err(anyhow::Error::msg)?),
            _ => None,
        };
        let mut receiver = Receiver::start(network)?;
        let host = Host::serve(self.config(&receiver));
        let mut flow = Flow::start(host.address(), self.lines);
        let mut recoveries = Vec::new();
        let start = Instant::now();
        while start.elapsed() < self.time {
            thread::sleep(self.up);
            let before = receiver.begin(self.kind);
            thread::sleep(self.down);
            receiver.end(self.kind)?;
            recoveries.push(receiver.until_more_than(before)?);
        }
        thread::sleep(self.up);
        let sent = flow.finish();
        let counts = settled(&host, sent)?;
        let Account { came, doubled } = receiver.account(sent)?;
        let report = Report {
            sent,
            delivered: counts.delivered,
            lost: counts.lost,
            resent: counts.resent,
            came,
            doubled,
            recoveries,
        };
        ensure!(
            doubled <= report.resent,
            "more lines came twice than are counted as sent again: {report:?}"
        );
        Ok(report)
    }

    fn config(&self, receiver: &Receiver) -> String {
        let resend = self.resend;
        let to = receiver.address();
        let keys = format!("chain = []\nto = \"tcp://{to}\"\nshared = true\nresend = {resend}\n");
        Host::config(&keys, "")
    }
}

/// What the host counts.
struct Counts {
    delivered: u64,
    lost: u64,
    resent: u64,
}

/// Waits until the host has delivered or lost every line that was sent.
fn settled(host: &Host, sent: u64) -> anyhow::Result<Counts> {
    let start = Instant::now();
    loop {
        let metrics = host.metrics();
        let count = |name: &str| metrics.sum(name, &[]) as u64;
        let counts = Counts {
            delivered: count("linemill_output_lines_total"),
            lost: count("linemill_output_lost_total"),
            resent: count("linemill_output_resent_total"),
        };
        let dropped = count("linemill_lines_dropped_total");
        let all = counts.delivered + counts.lost;
        ensure!(
            dropped == 0 && all <= sent,
            "{sent} lines sent, {dropped} dropped, {} delivered, {} lost",
            counts.delivered,
            counts.lost
        );
        if all == sent {
            return Ok(counts);
        }
        ensure!(
            start.elapsed() < crate::PATIENCE,
            "of {sent} lines, {} have been delivered and {} lost; what became of the others?\n{}",
            counts.delivered,
            counts.lost,
            host.stderr()
        );
        thread::sleep(Duration::from_millis(20));
    }
}
