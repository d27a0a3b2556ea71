//! Throughput over TLS: as `load`, with both ends of each session in this machine's rustls.

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

use crate::pattern::{Pattern, STRETCH};
use crate::peer::{Peer, Subject};
use crate::report::table;
use crate::rounds::{Measured, Rounds, Throughput};
use crate::session;

/// Bytes of one write: what a client sends that has much to send.
const BLOCK: usize = 64 * 1024;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Secure {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    rounds: Rounds,
}

impl Secure {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let folder = Folder::new();
        let config = session::identity(&folder);
        let mut launches = self.subject.tls_launches(&folder)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let mib = f64::from(1 << 20);
        let told = |rate: f64| format!("{:.0} MiB", rate / mib);
        let found = self.rounds.measure(&mut launches, told, |peer, seconds| {
            let pattern = Arc::new(peer.pattern(&self.subject));
            runtime.block_on(measure(
                peer,
                pattern,
                &config,
                self.rounds.connections,
                seconds,
            ))
        })?;
        let rows: Vec<_> = found
            .iter()
            .map(|found| {
                let Throughput {
                    name,
                    rate,
                    ratio,
                    cost,
                    ..
                } = found;
                [
                    name.clone(),
                    format!("{:.0}", rate.median / mib),
                    format!("{:.0}", rate.min / mib),
                    format!("{:.0}", rate.max / mib),
                    format!("{:.2}", cost * mib * 1000.0),
                    format!("{:.2}", ratio.median),
                ]
            })
            .collect();
        println!(
            "{} TLS connections, lines of {} bytes, medians of {} rounds of {} s, every byte checked;\nCPU is that of the server alone\n",
            self.rounds.connections, self.subject.line, self.rounds.rounds, self.rounds.seconds
        );
        let head = ["peer", "MiB/s", "min", "max", "CPU ms/MiB", "ratio"];
        print!("{}", table(&head, &rows));
        self.rounds.judge(&found)
    }
}

/// What the tasks of one measurement share.
struct Run {
    pattern: Arc<Pattern>,
    /// Bytes that came back right.
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
    Ok(Measured {
        bytes,
        took,
        cost,
        peak,
    })
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
