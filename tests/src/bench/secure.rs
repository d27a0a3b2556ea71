//! Throughput over TLS: like `load`, with rustls at both ends of each session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::Folder;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::document::Part;
use crate::pattern::{Pattern, STRETCH};
use crate::peer::{Peer, Subject};
use crate::rounds::{Bound, Rounds};
use crate::session;
use crate::throughput::{COLUMNS, Measured, Throughput};

/// Bytes of one write, as of a client with much to send.
const BLOCK: usize = 64 * 1024;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Secure {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    rounds: Rounds,
    #[command(flatten)]
    bound: Bound,
}

impl Secure {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let found = self.measure()?;
        self.part(&found).print();
        self.bound.judge(&found)
    }

    /// Measures all peers.
    pub(crate) fn measure(&self) -> anyhow::Result<Vec<Throughput>> {
        let folder = Folder::new();
        let config = session::identity(&folder);
        let mut launches = self.subject.tls_launches(&folder)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        self.rounds.measure(&mut launches, |peer, seconds| {
            let pattern = Arc::new(peer.pattern(&self.subject));
            runtime.block_on(measure(
                peer,
                pattern,
                &config,
                self.rounds.connections,
                seconds,
            ))
        })
    }

    /// The table of results.
    pub(crate) fn part(&self, found: &[Throughput]) -> Part {
        let line = (self.subject.line + 1) as f64;
        let columns = ["peer"].into_iter().chain(COLUMNS);
        Part {
            title: "TLS".to_owned(),
            about: format!(
                "{} saturated TLS connections, lines of {} bytes, {}. The peer is an echo that uses rustls alone. Ratios are to it in the same round.",
                self.rounds.connections,
                self.subject.line,
                self.rounds.method()
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).collect(),
            rows: found.iter().map(|found| found.row(line)).collect(),
            plots: Vec::new(),
        }
    }
}

/// The state that the tasks of a measurement share.
struct Run {
    pattern: Arc<Pattern>,
    /// Correct bytes that came back.
    checked: AtomicU64,
    stop: AtomicBool,
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
        peer.processor_time()?,
        Instant::now(),
    );
    tokio::time::sleep(time).await;
    let (to, took) = (run.checked.load(Ordering::Relaxed), start.elapsed());
    let cost = peer.processor_time()?.saturating_sub(cost);
    let peak = peer.peak_memory()?;
    run.stop.store(true, Ordering::Relaxed);
    for (sender, checker) in tasks {
        // The server must close, which ends this task. Wait for that, but not indefinitely.
        let checked = tokio::time::timeout(Duration::from_secs(30), checker).await;
        let checked = checked.context("the server does not close")???;
        let sent = sender.await??;
        ensure!(
            sent == checked,
            "{sent} bytes were sent, {checked} came back"
        );
    }
    let bytes = (to - from) as f64;
    ensure!(bytes > 0.0, "no byte came back during the measurement");
    Ok(Measured {
        bytes,
        took,
        cost,
        peak,
    })
}

/// Sends until it is told to stop. Returns the number of bytes.
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
    // Complete the last line, since servers treat a partial line differently.
    let line = run.pattern.period() as u64;
    let rest = usize::try_from((line - sent % line) % line)?;
    writer.write_all(run.pattern.sent(sent, rest)).await?;
    writer.shutdown().await.context("end of input")?;
    Ok(sent + rest as u64)
}

/// Reads to the end and compares every byte. Returns the number of bytes.
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
