//! `linemill pipe`: standard input through a chain to standard output.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use linemill::config::settings::{ListenerSettings, Settings};
use linemill::control::build::build;
use linemill::control::load::Plugins;
use linemill::filter::bundled;
use linemill::filter::engine::Engine;
use linemill::filter::verdict::Close;
use linemill::generation::Orders;
use linemill::stream::connection::Connection;
use linemill::stream::end::End;
use linemill::stream::sink::Sink;
use linemill::telemetry::metrics::Metrics;
use tokio::io::{AsyncRead, ReadBuf};

/// How often the progress line is written anew.
const PROGRESS: Duration = Duration::from_millis(200);

/// Run standard input through a chain to standard output
///
/// A filter is a name from the configuration, a bundled plugin, or a path to a .wasm file; none
/// means rot13. When the input is a file and standard error a terminal, shows how far it is.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill pipe redact < app.log")]
pub(super) struct Pipe {
    /// Configuration file, for its filters
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Filters, in order
    #[arg(value_name = "FILTER")]
    chain: Vec<String>,
}

impl Pipe {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(self.pipe())
    }

    async fn pipe(self) -> anyhow::Result<()> {
        let settings = self.settings()?;
        let metrics = Metrics::new();
        let engine = Engine::new().map_err(|error| anyhow!("wasmtime: {error:#}"))?;
        let plugins = Plugins::new(Arc::new(engine));
        let first = build(&settings, None, &plugins, &metrics).await?;
        let (_orders, receiver) = Orders::first(first);

        let read = Arc::new(AtomicU64::new(0));
        let progress = Progress::start(Arc::clone(&read));
        let input = Counted {
            inner: tokio::io::stdin(),
            read,
        };
        let sink = Sink::Reply(tokio::io::stdout());
        let counts = metrics.listener("pipe");
        let stream = Connection::new(input, sink, "pipe".into(), receiver, counts.clone());
        let end = stream
            .ok_or_else(|| anyhow!("the chain is gone"))?
            .serve()
            .await;
        drop(progress);
        match end {
            End::Eof | End::Filter(Close::Verdict) => Ok(()),
            // Whoever read the output has seen enough, as `head` does.
            End::Unwritable(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            End::Filter(Close::OnError) => Err(anyhow!(
                "a line failed, and its filter's `on_error` is \"close\""
            )),
            End::Oversize => Err(anyhow!(
                "a line is longer than `max_line`, and `oversize` is \"close\""
            )),
            End::Broken(error) => Err(anyhow!("cannot read standard input: {error}")),
            End::Unwritable(error) => Err(anyhow!("cannot write standard output: {error}")),
            end => Err(anyhow!("the stream ended early: {}", end.label())),
        }
    }

    /// The configuration's filters, and one chain without timeouts in place of its listeners.
    fn settings(&self) -> anyhow::Result<Settings> {
        let bundled = bundled::names();
        let mut settings = match &self.config {
            Some(path) => linemill::config::load(path, &bundled)?,
            None => Settings::builtin(),
        };
        let args = if self.chain.is_empty() {
            &["rot13".to_owned()][..]
        } else {
            &self.chain
        };
        let chain = settings.chain_from_args(args, &bundled)?;
        settings.filters.retain(|name, _| chain.contains(name));
        settings.listeners = vec![ListenerSettings {
            name: "pipe".into(),
            chain,
            idle_timeout: None,
            line_timeout: None,
            write_timeout: None,
            ..ListenerSettings::default()
        }];
        Ok(settings)
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read
            .fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

/// A line on the terminal that says how far a file has been read; wiped when dropped.
struct Progress(tokio::task::JoinHandle<()>);

impl Progress {
    /// `None` unless standard error is a terminal and standard input a file.
    fn start(read: Arc<AtomicU64>) -> Option<Self> {
        let total = size_of_stdin().filter(|total| *total > 0 && io::stderr().is_terminal())?;
        Some(Self(tokio::spawn(async move {
            let mut tick = tokio::time::interval(PROGRESS);
            tick.tick().await;
            loop {
                tick.tick().await;
                let read = read.load(Ordering::Relaxed);
                eprint!(
                    "\r{:3} %  {} of {} MiB\x1b[K",
                    read * 100 / total,
                    read >> 20,
                    total >> 20
                );
            }
        })))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abort();
        eprint!("\r\x1b[K");
    }
}

/// Bytes of the file that standard input is, if it is one.
fn size_of_stdin() -> Option<u64> {
    #[cfg(unix)]
    let stdin = {
        use std::os::fd::AsFd;
        File::from(io::stdin().as_fd().try_clone_to_owned().ok()?)
    };
    #[cfg(windows)]
    let stdin = {
        use std::os::windows::io::AsHandle;
        File::from(io::stdin().as_handle().try_clone_to_owned().ok()?)
    };
    stdin
        .metadata()
        .ok()
        .filter(|metadata| metadata.is_file())
        .map(|metadata| metadata.len())
}
