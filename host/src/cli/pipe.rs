//! `linemill pipe`: runs standard input through a chain to standard output.

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
use linemill::connections::connection::Connection;
use linemill::connections::end::End;
use linemill::control::build::build;
use linemill::generation::Snapshot;
use linemill::metrics::Metrics;
use linemill::sinks::registry::SinkRegistry;
use linemill_config::settings::{Destination, ListenerSettings, OnError, Settings};
use linemill_sandbox::bundled;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::plugin::loader::Loader;
use linemill_sandbox::verdict::Close;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::plugin::hinted;

/// Interval at which the progress line is updated.
const PROGRESS: Duration = Duration::from_millis(200);

/// Run standard input through a chain to standard output
///
/// FILTER is the name of a filter in the configuration, the name of a bundled plugin, or a path to a
/// .wasm file.
/// Without FILTER, the chain and the framing are those of the configuration's only listener; without a
/// configuration, the chain is rot13. At the end, standard error says how many lines failed. Shows
/// progress when the input is a file and standard error is a terminal.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill pipe redact < app.log
  linemill pipe redact --to tcp://logs.example.org:514 < app.log")]
pub(super) struct Pipe {
    /// Configuration file with the filters
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Destination of the lines, instead of standard output: tcp://HOST:PORT, tls://HOST:PORT,
    /// unix:PATH or file:PATH; answers of a server go to standard output
    #[arg(long, value_name = "DEST")]
    to: Option<Destination>,
    /// The filters, in order
    #[arg(value_name = "FILTER")]
    chain: Vec<String>,
}

impl Pipe {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(self.pipe())
    }

    async fn pipe(self) -> anyhow::Result<()> {
        let settings = self.settings()?;
        let metrics = Metrics::default();
        let engine = Engine::with_stack(settings.host.stack)?;
        let plugins = Loader::of_user(Arc::new(engine))
            .capturing(&settings.host)
            .map_err(|refusal| refusal.problem)?;
        let sinks = SinkRegistry::new(metrics.outputs.clone());
        let first = build(&settings, None, &plugins, &metrics.filters, Some(&sinks)).await?;
        let filters: Vec<_> = first.filters.values().cloned().collect();
        let (_snapshot, receiver) = Snapshot::first(first);

        let read = Arc::new(AtomicU64::new(0));
        let progress = Progress::start(Arc::clone(&read));
        let input = Counted {
            inner: tokio::io::stdin(),
            read,
        };
        let output = tokio::io::stdout();
        let counts = Arc::new(metrics.lines.of("pipe"));
        let stream = Connection::new(input, output, "pipe".into(), receiver, Arc::clone(&counts));
        let end = stream
            .serve()
            .await
            .ok_or_else(|| anyhow!("the chain is gone"))?;
        sinks.finish(Instant::now() + settings.host.drain).await;
        drop(progress);
        filters.iter().for_each(|filter| report_failures(filter));
        match end {
            End::Eof | End::Filter(Close::Verdict) => Ok(()),
            // The reader of the output has exited, as `head` does.
            End::Unwritable(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            End::Filter(Close::OnError) => Err(anyhow!(
                "a line failed, and its filter's `on_error` is \"close\""
            )),
            End::Oversize => Err(anyhow!(
                "a line is longer than `max_line`, and `oversize` is \"close\""
            )),
            End::Broken(error) => Err(anyhow!("cannot read standard input: {error}")),
            End::Unwritable(error) => Err(anyhow!("cannot write the output: {error}")),
            End::NextHop(error) => Err(hinted(
                &format!("the next hop failed: {error}"),
                "check that a server is listening there",
            )),
            End::BadLength => Err(anyhow!(
                "a frame has no valid length: is the input framed by `octet`?"
            )),
            end => Err(anyhow!("the stream ended early: {}", end.reason().label())),
        }
    }

    /// The settings of the configuration, with one stream without timeouts instead of the listeners.
    fn settings(&self) -> anyhow::Result<Settings> {
        let bundled = bundled::names();
        let mut settings = match &self.config {
            Some(path) => linemill_config::load(path, &bundled)?,
            None => Settings::builtin(),
        };
        let mut stream = match &settings.listeners[..] {
            _ if !self.chain.is_empty() => ListenerSettings {
                chain: settings.chain_from_args(&self.chain, &bundled)?,
                ..ListenerSettings::default()
            },
            [only] => only.clone(),
            _ => {
                return Err(hinted(
                    "the configuration does not have one listener whose chain to use",
                    "name the filters: linemill pipe --config FILE A B",
                ));
            }
        };
        stream.name = "pipe".into();
        // A preview must not write to the routes and tees of the listener.
        stream.routes.clear();
        stream.tee.clear();
        stream.shared = false;
        match &self.to {
            Some(to) => stream.to = to.clone(),
            None => {
                stream.to = Destination::Reply;
                stream.to_framing = None;
            }
        }
        stream.idle_timeout = None;
        stream.line_timeout = None;
        stream.write_timeout = None;
        settings
            .filters
            .retain(|name, _| stream.stages().any(|stage| stage.filter == *name));
        settings.listeners = vec![stream];
        Ok(settings)
    }
}

/// Reports on standard error how many lines failed in a filter, and what happened to them.
fn report_failures(filter: &Filter) {
    let action = match filter.settings().on_error {
        OnError::Pass => "passed on unfiltered",
        OnError::Drop => "dropped",
        OnError::Close => "ended the stream",
        OnError::Quarantine => "sent to quarantine",
    };
    match filter.failed_lines() {
        0 => {}
        1 => eprintln!("filter `{}`: 1 line failed: {action}", filter.name()),
        lines => eprintln!("filter `{}`: {lines} lines failed: {action}", filter.name()),
    }
}

/// A reader that counts its bytes in `read`.
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

/// A progress line on the terminal; cleared when dropped.
struct Progress(tokio::task::JoinHandle<()>);

impl Progress {
    /// Shows how much of standard input has been `read`; `None` unless it is a file and standard error is
    /// a terminal.
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

/// The size of standard input in bytes, if it is a file.
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
