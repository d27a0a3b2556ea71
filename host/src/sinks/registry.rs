//! All sinks of a host, one for each destination.
//!
//! In: destinations. Out: the one [`SharedSink`] of each, however many generations, listeners and filters
//! name it. The registry holds none of them: a sink ends when nobody else holds it (`lifetime`).
//! Not here: what a connection writes (`connection_sink`).

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::create_mode::CreateMode;
use super::egress::Egress;
use super::file::FileWriter;
use super::metrics::OutputMetrics;
use super::outage::SinkState;
use super::shared_sink::{RunningSink, SharedSink};
use super::upstream::{Upstream, WeakUpstream};
use linemill_config::settings::{Destination, ListenerSettings, Mode, UpstreamTls};
use linemill_framing::Framing;
use linemill_telemetry::Families;

/// Identifies a sink: two destinations with equal keys are one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where its lines go.
    pub to: Destination,
    /// The certificates to expect and to show; only for `tls://`.
    pub tls: Option<UpstreamTls>,
    /// How its lines are framed; only for upstreams, because the lines of one connection are all framed
    /// alike.
    pub framing: Option<Framing>,
}

impl Key {
    /// The key of a destination of `listener`.
    pub(super) fn of(to: &Destination, listener: &ListenerSettings) -> Self {
        let framing = listener.to_framing.unwrap_or(listener.lines.framing);
        let tls =
            matches!(to, Destination::Tls(_)).then(|| listener.to_tls.clone().unwrap_or_default());
        Self::new(to, tls, framing)
    }

    /// The key of a destination whose lines are framed by `framing`.
    pub(super) fn new(to: &Destination, tls: Option<UpstreamTls>, framing: Framing) -> Self {
        let is_upstream = matches!(
            to,
            Destination::Tcp(_) | Destination::Tls(_) | Destination::Unix(_)
        );
        Self {
            to: to.clone(),
            tls,
            framing: is_upstream.then_some(framing),
        }
    }
}

/// The sinks of a host. Clones refer to the same ones.
#[derive(Debug, Clone)]
pub struct SinkRegistry {
    metrics: Families<OutputMetrics>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    /// The shared sinks whose writers have not ended, and some whose writers have. At most one of each
    /// key can be held.
    shared: Vec<Entry>,
    /// The upstreams to which each connection has a connection of its own, by listener.
    own: Vec<(String, Key, WeakUpstream)>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    sink: RunningSink,
    /// The value of the metrics' label `output`.
    label: String,
}

impl SinkRegistry {
    /// Without any sinks yet; they count in `metrics`.
    pub fn new(metrics: Families<OutputMetrics>) -> Self {
        Self {
            metrics,
            open: Arc::default(),
        }
    }

    /// The sink for `key`, started if it does not run. `upstream` is how to reach it, if it is a server.
    /// At most `buffer` bytes wait for it; of several values the largest holds.
    ///
    /// # Errors
    /// When it cannot be opened, for example a file in a folder that does not exist.
    #[cfg(test)]
    pub fn open(
        &self,
        key: Key,
        upstream: Option<Upstream>,
        buffer: usize,
    ) -> io::Result<SharedSink> {
        self.open_with(key, upstream, buffer, Mode::PRIVATE)
    }

    /// As [`open`](Self::open). A file that has to be created gets `file_mode`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open_with(
        &self,
        key: Key,
        upstream: Option<Upstream>,
        buffer: usize,
        file_mode: Mode,
    ) -> io::Result<SharedSink> {
        if let Some(sink) = self.lock().find(&key) {
            sink.raise_buffer(buffer);
            return Ok(sink);
        }
        // Only reloads open sinks, one at a time. Others use the registry while a file is opened, which
        // may take long.
        let file = match &key.to {
            Destination::Stdout => Some(FileWriter::stdout()?),
            Destination::File(path) => Some(FileWriter::at(path, CreateMode::new(file_mode))?),
            _ => None,
        };
        let mut open = self.lock();
        let label = open.label(&key.to);
        let metrics = self.metrics.of(&label);
        let sink = match (file, upstream) {
            (Some(file), _) => SharedSink::to_file(file, buffer, metrics),
            (None, Some(upstream)) => SharedSink::to_upstream(upstream, buffer, metrics),
            (None, None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        open.shared.push(Entry {
            key,
            sink: sink.running(),
            label,
        });
        Ok(sink)
    }

    /// The upstream of `listener` for `key`, to which each connection connects on its own: `new`, unless
    /// one is in use.
    pub(super) fn own_upstream(&self, listener: &str, key: Key, new: Upstream) -> Upstream {
        let mut open = self.lock();
        open.own
            .retain(|(_, _, upstream)| upstream.upgrade().is_some());
        let mut same = open
            .own
            .iter()
            .filter(|(name, used, _)| name == listener && *used == key);
        if let Some(used) = same.find_map(|(_, _, upstream)| upstream.upgrade()) {
            return used;
        }
        open.own.push((listener.to_owned(), key, new.downgrade()));
        new
    }

    /// Gives the sinks of the generation in force the buffers, options and modes of files that its
    /// listeners ask for.
    pub fn settle<'a>(&self, egresses: impl Iterator<Item = &'a Egress>) {
        let mut buffers: Vec<(&SharedSink, usize)> = Vec::new();
        for egress in egresses {
            for upstream in egress.upstreams() {
                upstream.set_options(egress.options.clone());
            }
            for sink in egress.shared() {
                sink.set_file_mode(egress.file_mode);
                match buffers.iter_mut().find(|(known, _)| known.is_same(sink)) {
                    Some((_, buffer)) => *buffer = egress.buffer.max(*buffer),
                    None => buffers.push((sink, egress.buffer)),
                }
            }
        }
        for (sink, buffer) in buffers {
            sink.set_buffer(buffer);
        }
        self.lock().sweep();
    }

    /// Sets the mode of the file of the sink for `key` if the file has to be created from now on.
    pub(super) fn set_file_mode(&self, key: &Key, mode: Mode) {
        if let Some(sink) = self.lock().find(key) {
            sink.set_file_mode(mode);
        }
    }

    /// What is known about each shared sink, by the value of the metrics' label `output`.
    pub fn states(&self) -> Vec<(String, SinkState)> {
        let open = self.lock();
        let states = open.shared.iter();
        states
            .map(|entry| (entry.label.clone(), entry.sink.state()))
            .collect()
    }

    /// Reopens all files, after a log rotation.
    pub fn reopen(&self) {
        let open = self.lock();
        open.shared.iter().for_each(|entry| entry.sink.reopen());
    }

    /// Closes all sinks, those that only write their last lines included, and waits until they have
    /// written what is queued, or until `deadline`. Returns how many lines were lost; they have been
    /// counted.
    pub async fn finish(&self, deadline: Instant) -> u64 {
        let mut finishing: JoinSet<_> = {
            let open = self.lock();
            let finishing = open.shared.iter().map(|entry| {
                let (to, sink) = (entry.key.to.clone(), entry.sink.clone());
                async move { (to, sink.finish(deadline).await) }
            });
            finishing.collect()
        };
        let mut all = 0;
        while let Some(finished) = finishing.join_next().await {
            if let Ok((to, lost @ 1..)) = finished {
                tracing::warn!(%to, lost, "lines lost: they were not taken in time");
                all += lost;
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// A hold on the sink for `key`, if somebody else holds it, too.
    fn find(&mut self, key: &Key) -> Option<SharedSink> {
        self.sweep();
        let mut same = self.shared.iter().filter(|entry| entry.key == *key);
        same.find_map(|entry| entry.sink.hold())
    }

    /// Forgets the sinks whose writers have ended.
    fn sweep(&mut self) {
        self.shared.retain(|entry| !entry.sink.is_over());
    }

    /// The value of the metrics' label `output` of another sink for `to`. The same destination with
    /// other certificates or another framing is another sink, so it gets a number.
    fn label(&self, to: &Destination) -> String {
        let taken = |label: &String| self.shared.iter().any(|entry| entry.label == *label);
        let numbered = (2..).map(|number| format!("{to}#{number}"));
        let mut labels = std::iter::once(to.to_string()).chain(numbered);
        labels.find(|label| !taken(label)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
