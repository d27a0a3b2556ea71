//! `linemill pipe`: runs standard input through a chain to standard output.

mod progress;
mod report;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use linemill::connections::connection::Connection;
use linemill::connections::end::End;
use linemill::connections::metrics::LineMetrics;
use linemill::control::build::{BuildContext, build};
use linemill::generation::Snapshot;
use linemill::metrics::Metrics;
use linemill::sinks::registry::SinkRegistry;
use linemill_config::settings::{Destination, Grant, ListenerSettings, Settings};
use linemill_config::{ChainArgs, Files};
use linemill_sandbox::bundled;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::plugin::loader::Loader;
use linemill_sandbox::verdict::Close;
use tokio::time::Instant;

use super::LinesFailed;
use super::plugin::{grant, hinted};
use progress::{Counted, Progress};

/// `max_line` unless the configuration has one: there is one stream, and nobody else shares its memory.
const MAX_LINE: usize = 16 << 20;
/// `memory` of a filter unless the configuration has one: enough for a line of [`MAX_LINE`], its answer and
/// the buffers in between.
const MEMORY: usize = 256 << 20;
/// `deadline` of a filter unless the configuration has one: enough for a line of [`MAX_LINE`].
const DEADLINE: Duration = Duration::from_secs(10);

/// Run standard input through a chain to standard output
///
/// FILTER is the name of a filter in the configuration, the name of a bundled plugin, or a path to a
/// .wasm file. Its settings may follow in braces, as an inline table of TOML. Without FILTER, the chain and the framing are those of the configuration's only
/// listener; without a configuration, the chain is rot13. If lines failed, were cut or were dropped,
/// standard error says at the end how many and why, and the exit status is 2. Unless the configuration
/// says otherwise, a line may be up to 16 MiB long, and a filter may use 256 MiB of memory and 10
/// seconds per call. Shows progress when the input is a file and standard error is a terminal.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill pipe redact < app.log
  linemill pipe 'grep{keep=[\"ERROR\"]}' 'json{remove=[\"user\"]}' < app.log
  linemill pipe redact --to tcp://logs.example.org:514 < app.log")]
pub(super) struct Pipe {
    /// Configuration file with the filters
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Destination of the lines, instead of standard output: tcp://HOST:PORT, tls://HOST:PORT,
    /// unix:PATH or file:PATH; answers of a server go to standard output. Several servers, each with
    /// --to: the first that can be connected to
    #[arg(long, value_name = "DEST")]
    to: Vec<Destination>,
    /// Wait for the server of --to as long as it takes; without it, give up after `connect_timeout`
    #[arg(long, requires = "to")]
    wait: bool,
    /// What filters that only FILTER defines may import, such as clock,store
    #[arg(long, value_name = "GRANTS", value_delimiter = ',', value_parser = grant)]
    grant: Vec<Grant>,
    /// The filters, in order, each with its settings in braces if it needs some
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
        let sinks = SinkRegistry::new(
            metrics.outputs.clone(),
            metrics.upstreams.clone(),
            metrics.own_upstreams.clone(),
        );
        let files = Files::default();
        let context = BuildContext {
            sinks: Some(&sinks),
            ..BuildContext::new(&plugins, &metrics.filters, &files)
        };
        let first = build(&settings, &context).await?;
        let filters: Vec<_> = first.filters.values().cloned().collect();
        let listener = settings.listeners.first();
        let listener = listener.ok_or_else(|| anyhow!("the chain is gone"))?;
        let (_snapshot, receiver) = Snapshot::first(first);

        let read = Arc::new(AtomicU64::new(0));
        let progress = Progress::start(Arc::clone(&read));
        let input = Counted {
            inner: tokio::io::stdin(),
            read,
        };
        let output = tokio::io::stdout();
        let counts = Arc::new(LineMetrics::clone(&metrics.lines.of("pipe")));
        let stream = Connection::new(input, output, "pipe".into(), receiver, Arc::clone(&counts));
        let patience = (!self.wait).then_some(listener.connect_timeout);
        let stream = stream.giving_up_after(patience);
        let end = stream
            .serve()
            .await
            .ok_or_else(|| anyhow!("the chain is gone"))?;
        let lost = sinks.finish(Instant::now() + settings.host.drain).await;
        drop(progress);
        let mishaps = report::mishaps(listener, &counts, &filters, &metrics.filters);
        ended(end)?;
        if mishaps || lost > 0 {
            return Err(LinesFailed.into());
        }
        Ok(())
    }

    fn args(&self) -> ChainArgs<'_> {
        ChainArgs {
            filters: &self.chain,
            grant: &self.grant,
        }
    }

    /// The settings of the configuration, with one stream without timeouts instead of the listeners.
    fn settings(&self) -> anyhow::Result<Settings> {
        let bundled = bundled::names();
        let mut settings = match &self.config {
            Some(path) => linemill_config::load_once(path, &bundled)?,
            None => Settings::builtin(),
        };
        let mut stream = match &settings.listeners[..] {
            _ if !self.chain.is_empty() => ListenerSettings {
                chain: settings.chain_from_args(self.args(), &bundled, &Files::default())?,
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
        // They are about listeners.
        settings.tests.clear();
        // A preview must not write to the routes and tees of the listener.
        stream.routes.clear();
        stream.tee.clear();
        stream.shared = false;
        stream.to_max_age = None;
        match &self.to[..] {
            [] => {
                stream.to = Destination::Reply;
                stream.to_framing = None;
            }
            [to] => stream.to = to.clone(),
            several => stream.to = fail_over(several)?,
        }
        if stream.places.get("max_line").is_none() {
            stream.lines.max_line = MAX_LINE;
        }
        stream.idle_timeout = None;
        stream.line_timeout = None;
        stream.write_timeout = None;
        for filter in settings.filters.values_mut() {
            if filter.places.get("memory").is_none() {
                filter.memory = MEMORY;
            }
            if filter.places.get("deadline").is_none() {
                filter.deadline = DEADLINE;
            }
        }
        settings
            .filters
            .retain(|name, _| stream.stages().any(|stage| stage.filter == *name));
        settings.listeners = vec![stream];
        Ok(settings)
    }
}

/// The destination of several options `--to`.
fn fail_over(several: &[Destination]) -> anyhow::Result<Destination> {
    Destination::fail_over(several.to_vec()).map_err(|wrong| {
        let entry = wrong.entry.and_then(|entry| several.get(entry));
        let fault = wrong.fault;
        let text = match entry {
            Some(entry) if entry.is_socket() => format!("--to {entry}: there are two of it"),
            Some(entry) => format!("--to {entry}: {fault}"),
            None => format!("--to: {fault}"),
        };
        hinted(
            &text,
            "with several --to, each names a server: tcp://HOST:PORT, tls://HOST:PORT or unix:PATH",
        )
    })
}

/// How a stream that ended by `end` is reported.
fn ended(end: End) -> anyhow::Result<()> {
    match end {
        End::Eof | End::Filter(Close::Verdict) => Ok(()),
        // The reader of the output has exited, as `head` does.
        End::Unwritable(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        End::Filter(Close::OnError) => Err(anyhow!(
            "a line failed, and its filter's `on_error` is \"close\""
        )),
        End::Filter(Close::Host) => Err(hinted(
            "the host could not run a filter",
            "see the warning above; raise the limits of the process, or free memory",
        )),
        End::Oversize => Err(anyhow!(
            "a line is longer than `max_line`, and `oversize` is \"close\""
        )),
        End::Broken(error) => Err(anyhow!("cannot read standard input: {error}")),
        End::Unwritable(error) => Err(anyhow!("cannot write the output: {error}")),
        End::NextHop(error) => Err(hinted(
            &format!("the next hop failed: {error}"),
            "check that a server is listening there; `--wait` waits for one",
        )),
        End::BadLength => Err(anyhow!(
            "a frame has no valid length: is the input framed by `octet`?"
        )),
        end => Err(anyhow!("the stream ended early: {}", end.reason().label())),
    }
}
