//! Throughput over TLS: as `load`, with both ends of each session in this machine's rustls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::{Folder, processor_time};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::pattern::{Pattern, STRETCH};
use crate::peer::{LINEMILL, Launch, Peer, Subject};
use crate::report::{Spread, table};
use crate::session;

/// Bytes of one write: what a client sends that has much to send.
const BLOCK: usize = 64 * 1024;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Secure {
    #[command(flatten)]
    subject: Subject,
    /// Connections, each with a sender that never waits
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Measurements of each peer; peers take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fail when linemill's median is less than this part of the echo's
    #[arg(long)]
    at_least: Option<f64>,
}

impl Secure {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.connections > 0 && self.rounds > 0,
            "nothing to measure"
        );
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let folder = Folder::new();
        let config = session::identity(&folder);
        let peers: Vec<Peer> = self
            .subject
            .tls_launches(&folder)?
            .into_iter()
            .map(Launch::start)
            .collect::<Result<_, _>>()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let mut rates = vec![Vec::new(); peers.len()];
        let mut costs = vec![Vec::new(); peers.len()];
        for round in 1..=self.rounds {
            for (nth, peer) in peers.iter().enumerate() {
                let pattern = Arc::new(peer.pattern(&self.subject)?);
                let measured = runtime
                    .block_on(measure(peer, pattern, &config, self.connections, seconds))
                    .with_context(|| format!("{}, round {round}", peer.name))?;
                let mib = measured.bytes / f64::from(1 << 20);
                let rate = mib / measured.took.as_secs_f64();
                eprintln!("round {round}: {} {rate:.0} MiB a second", peer.name);
                rates[nth].push(rate);
                costs[nth].push(measured.cost.as_secs_f64() * 1000.0 / mib);
            }
        }
        let spreads: Vec<Spread> = rates.into_iter().map(Spread::of).collect();
        let costs = costs.into_iter().map(|costs| Spread::of(costs).median);
        let rows: Vec<_> = peers
            .iter()
            .zip(&spreads)
            .zip(costs)
            .map(|((peer, spread), cost)| {
                [
                    peer.name.to_owned(),
                    format!("{:.0}", spread.median),
                    format!("{:.0}", spread.min),
                    format!("{:.0}", spread.max),
                    format!("{cost:.2}"),
                    format!("{:.2}", spread.median / spreads[0].median),
                ]
            })
            .collect();
        println!(
            "{} TLS connections, lines of {} bytes, medians of {} rounds of {} s, every byte checked;\nCPU is that of the server alone\n",
            self.connections, self.subject.line, self.rounds, self.seconds
        );
        let head = ["peer", "MiB/s", "min", "max", "CPU ms/MiB", "ratio"];
        print!("{}", table(&head, &rows));
        let linemill = peers.iter().position(|peer| peer.name == LINEMILL);
        let linemill = linemill.context("linemill is not among the peers")?;
        let ratio = spreads[linemill].median / spreads[0].median;
        ensure!(
            self.at_least.is_none_or(|least| ratio >= least),
            "linemill is at {ratio:.2} of {}",
            peers[0].name
        );
        Ok(())
    }
}

/// What the tasks of one measurement share.
struct Run {
    pattern: Arc<Pattern>,
    /// Bytes that came back right.
    checked: AtomicU64,
    stop: AtomicBool,
}

/// What one measurement found.
struct Measured {
    bytes: f64,
    took: Duration,
    /// Processor time the server used.
    cost: Duration,
}

async fn measure(
    peer: &Peer,
    pattern: Arc<Pattern>,
    config: &Arc<ClientConfig>,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let run = Arc::new(Run {
        pattern,
        checked: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(peer.address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector
            .connect(session::name(), stream)
            .await
            .context("handshake")?;
        let (reader, writer) = tokio::io::split(stream);
        tasks.push((
            tokio::spawn(send(Arc::clone(&run), writer)),
            tokio::spawn(check(Arc::clone(&run), reader)),
        ));
    }
    tokio::time::sleep(time / 4).await;
    let (from, cost, start) = (
        run.checked.load(Ordering::Relaxed),
        processor_time(peer.id())?,
        Instant::now(),
    );
    tokio::time::sleep(time).await;
    let (to, took) = (run.checked.load(Ordering::Relaxed), start.elapsed());
    let cost = processor_time(peer.id())?.saturating_sub(cost);
    run.stop.store(true, Ordering::Relaxed);
    for (sender, checker) in tasks {
        // Ends of itself once the server closes, which it must; but not for ever.
        let checked = tokio::time::timeout(Duration::from_secs(30), checker).await;
        let checked = checked.context("the server does not end its answer")???;
        let sent = sender.await??;
        ensure!(
            sent == checked,
            "{sent} bytes were sent, {checked} came back"
        );
    }
    let bytes = (to - from) as f64;
    ensure!(bytes > 0.0, "no byte came back in time");
    Ok(Measured { bytes, took, cost })
}

/// Sends until it is time to stop; says how many bytes.
async fn send(run: Arc<Run>, mut writer: WriteHalf<TlsStream<TcpStream>>) -> anyhow::Result<u64> {
    let mut sent = 0;
    while !run.stop.load(Ordering::Relaxed) {
        let length = BLOCK.min(run.pattern.period());
        writer
            .write_all(run.pattern.sent(sent, length))
            .await
            .context("send")?;
        sent += length as u64;
    }
    // The last line must be whole, or what the server makes of its rest is another question.
    let line = run.pattern.period() as u64;
    let rest = usize::try_from((line - sent % line) % line)?;
    writer.write_all(run.pattern.sent(sent, rest)).await?;
    writer.shutdown().await.context("end of input")?;
    Ok(sent + rest as u64)
}

/// Reads to the end; says how many bytes, all of them right.
async fn check(run: Arc<Run>, mut reader: ReadHalf<TlsStream<TcpStream>>) -> anyhow::Result<u64> {
    let mut block = vec![0; STRETCH];
    let mut checked = 0;
    loop {
        let count = reader.read(&mut block).await.context("receive")?;
        if count == 0 {
            return Ok(checked);
        }
        ensure!(
            block[..count] == *run.pattern.due(checked, count),
            "a wrong byte between {checked} and {}",
            checked + count as u64
        );
        checked += count as u64;
        run.checked.fetch_add(count as u64, Ordering::Relaxed);
    }
}
