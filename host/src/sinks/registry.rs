//! All sinks of a host, one for each destination.
//!
//! In: destinations. Out: the one [`SharedSink`] of each, however many generations, listeners and filters
//! name it. The registry holds none of them: a sink ends when nobody else holds it (`lifetime`). A sink
//! whose list of upstreams a reload changes stays the same one (`reuse`), with what waits for it.
//! Not here: what a connection writes (`connection_sink`).

mod reuse;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::create_mode::CreateMode;
use super::egress::Egress;
use super::file::FileWriter;
use super::metrics::{OutputMetrics, OwnUpstreamMetrics, UpstreamMetrics};
use super::outage::SinkState;
use super::queue::Buffer;
use super::shared_sink::{RunningSink, SharedSink};
use super::upstream::{ConnectOptions, UpstreamList, WeakList};
use linemill_budget::{Budget, Holder};
use linemill_config::settings::{Destination, ListenerSettings, Mode, Settings, UpstreamTls};
use linemill_framing::Framing;
use linemill_telemetry::{Families, Held};

/// Identifies a sink: two destinations with equal keys are one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where its lines go.
    pub to: Destination,
    /// The certificates to expect and to show; only if there is a `tls://` in it.
    pub tls: Option<UpstreamTls>,
    /// How its lines are framed; only for upstreams, because the lines of one connection are all framed
    /// alike.
    pub framing: Option<Framing>,
}

impl Key {
    /// The key of a destination of `listener`.
    pub(super) fn of(to: &Destination, listener: &ListenerSettings) -> Self {
        let framing = listener.to_framing.unwrap_or(listener.lines.framing);
        let tls = to
            .has_tls()
            .then(|| listener.to_tls.clone().unwrap_or_default());
        Self::new(to, tls, framing)
    }

    /// The key of a `quarantine`.
    pub(super) fn of_quarantine(to: &Destination) -> Self {
        Self::new(to, None, Framing::Lf)
    }

    /// The key of a destination whose lines are framed by `framing`.
    pub(super) fn new(to: &Destination, tls: Option<UpstreamTls>, framing: Framing) -> Self {
        Self {
            to: to.clone(),
            tls,
            framing: to.is_socket().then_some(framing),
        }
    }
}

/// The sinks of a host. Clones refer to the same ones.
#[derive(Debug, Clone)]
pub struct SinkRegistry {
    metrics: Families<OutputMetrics>,
    upstream_metrics: Families<UpstreamMetrics>,
    own_metrics: Families<OwnUpstreamMetrics>,
    open: Arc<Mutex<Open>>,
    /// The memory of the host; `None` outside a host.
    budget: Option<Arc<Budget>>,
}

#[derive(Debug, Default)]
struct Open {
    /// The shared sinks whose writers have not ended, and some whose writers have. At most one of each
    /// key can be held.
    shared: Vec<Entry>,
    /// The upstreams to which each connection has a connection of its own.
    own: Vec<Own>,
    /// The sinks that the generation being built will have.
    expected: Vec<Key>,
    /// What upstreams count, by output and upstream.
    counted: BTreeMap<(String, String), Held<UpstreamMetrics>>,
}

/// The upstreams of one listener.
#[derive(Debug)]
struct Own {
    listener: String,
    key: Key,
    list: WeakList,
    /// What each counts.
    _shown: Vec<Held<OwnUpstreamMetrics>>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// Its key in the generation being built, if its list of upstreams is another one there.
    next: Option<Key>,
    sink: RunningSink,
    /// The value of the metrics' label `output`.
    label: String,
    /// What it counts.
    metrics: Held<OutputMetrics>,
}

impl SinkRegistry {
    /// Without any sinks yet; they count in these metrics.
    pub fn new(
        metrics: Families<OutputMetrics>,
        upstream_metrics: Families<UpstreamMetrics>,
        own_metrics: Families<OwnUpstreamMetrics>,
    ) -> Self {
        Self {
            metrics,
            upstream_metrics,
            own_metrics,
            open: Arc::default(),
            budget: None,
        }
    }

    /// The same, where what waits for sinks counts in `budget`.
    pub fn within(mut self, budget: &Arc<Budget>) -> Self {
        self.budget = Some(Arc::clone(budget));
        self
    }

    /// Notes which sinks a generation of `settings` will have, before they are opened. A sink that
    /// exists and is not among them may go on with another list of upstreams.
    pub fn expect(&self, settings: &Settings) {
        let listeners = settings.listeners.iter().flat_map(|listener| {
            listener
                .destinations()
                .map(move |(_, to)| Key::of(to, listener))
        });
        let filters = settings.filters.values();
        let quarantines = filters.filter_map(|filter| filter.quarantine.as_ref());
        let mut open = self.lock();
        open.expected = listeners
            .chain(quarantines.map(Key::of_quarantine))
            .collect();
        for entry in &mut open.shared {
            entry.next = None;
        }
    }

    /// The sink for `key`, started if it does not run. `options` say how to reach it, if it is a server.
    /// At most `buffer` bytes wait for it; of several values the largest holds.
    ///
    /// # Errors
    /// When it cannot be opened, for example a file in a folder that does not exist.
    #[cfg(test)]
    pub fn open(
        &self,
        key: Key,
        options: &ConnectOptions,
        buffer: usize,
    ) -> io::Result<SharedSink> {
        self.open_with(key, options, buffer, Mode::PRIVATE)
    }

    /// As [`open`](Self::open). A file that has to be created gets `file_mode`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open_with(
        &self,
        key: Key,
        options: &ConnectOptions,
        buffer: usize,
        file_mode: Mode,
    ) -> io::Result<SharedSink> {
        if let Some(sink) = self.reuse(&key) {
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
        let buffer = Buffer {
            bytes: buffer,
            memory: self
                .budget
                .as_ref()
                .map(|budget| budget.lease(Holder::Sinks)),
        };
        let upstreams = UpstreamList::new(&key.to, options, None);
        let sink = match (file, upstreams) {
            (Some(file), _) => SharedSink::to_file(file, buffer, OutputMetrics::clone(&metrics)),
            (None, Some(upstreams)) => {
                SharedSink::to_upstreams(upstreams, buffer, OutputMetrics::clone(&metrics))
            }
            (None, None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        open.shared.push(Entry {
            key,
            next: None,
            sink: sink.running(),
            label,
            metrics,
        });
        self.count(&mut open);
        Ok(sink)
    }

    /// The upstreams of `listener` for `key`, to which each connection connects on its own; `None` when
    /// that has no upstreams. Those in use already are the same.
    pub(super) fn own_upstreams(
        &self,
        listener: &str,
        key: Key,
        options: &ConnectOptions,
    ) -> Option<UpstreamList> {
        let mut open = self.lock();
        self.sweep(&mut open);
        let used = open.own.iter().rev().filter(|used| {
            let (tls, framing) = (&used.key.tls, used.key.framing);
            used.listener == listener && *tls == key.tls && framing == key.framing
        });
        let used: Vec<_> = used
            .filter_map(|used| Some((&used.key, used.list.upgrade()?)))
            .collect();
        if let Some((_, same)) = used.iter().find(|(used, _)| **used == key) {
            return Some(same.clone());
        }
        let before = used.first().map(|(_, list)| list);
        let list = UpstreamList::new(&key.to, options, before)?;
        let shown = list.iter().map(|upstream| {
            let metrics = self.own_metrics.of_all(&[listener, upstream.to()]);
            upstream.count_own_in(OwnUpstreamMetrics::clone(&metrics));
            metrics
        });
        open.own.push(Own {
            listener: listener.to_owned(),
            key,
            list: list.downgrade(),
            _shown: shown.collect(),
        });
        Some(list)
    }

    /// Gives the sinks of the generation in force the upstreams, buffers, options and modes of files
    /// that its listeners ask for.
    pub fn settle<'a>(&self, egresses: impl Iterator<Item = &'a Egress>) {
        self.lock().change_lists();
        let mut buffers: Vec<(&SharedSink, usize)> = Vec::new();
        for egress in egresses {
            egress.set_options();
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
            if let Some(upstreams) = sink.upstreams() {
                sink.set_upstreams(upstreams);
            }
        }
        self.sweep(&mut self.lock());
    }

    /// Sets the mode of the file of the sink for `key` if the file has to be created from now on.
    pub(super) fn set_file_mode(&self, key: &Key, mode: Mode) {
        if let Some(sink) = self.lock().find(key) {
            sink.set_file_mode(mode);
        }
    }

    /// What is known about each shared sink, and what it counts, by the value of the metrics' label
    /// `output`.
    pub fn states(&self) -> Vec<(String, SinkState, OutputMetrics)> {
        let mut open = self.lock();
        self.sweep(&mut open);
        let states = open.shared.iter();
        states
            .map(|entry| {
                let metrics = OutputMetrics::clone(&entry.metrics);
                (entry.label.clone(), entry.sink.state(), metrics)
            })
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

    /// The running sink for `key`, if there is one.
    fn reuse(&self, key: &Key) -> Option<SharedSink> {
        let mut open = self.lock();
        self.sweep(&mut open);
        open.reuse(key)
    }

    /// Forgets the sinks whose writers have ended. Their series disappear, and so do those of upstreams that
    /// are gone.
    fn sweep(&self, open: &mut Open) {
        open.shared.retain(|entry| !entry.sink.is_over());
        open.own.retain(|own| own.list.upgrade().is_some());
        self.count(open);
    }

    /// Lets each upstream of a shared sink count, and removes the series of those that are gone.
    fn count(&self, open: &mut Open) {
        let mut counted = BTreeMap::new();
        for entry in &open.shared {
            for upstream in entry.sink.upstreams().iter().flat_map(UpstreamList::iter) {
                let names = (entry.label.clone(), upstream.to().to_owned());
                let metrics = self.upstream_metrics.of_all(&[&names.0, &names.1]);
                upstream.count_in(UpstreamMetrics::clone(&metrics));
                counted.insert(names, metrics);
            }
        }
        open.counted = counted;
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// A hold on the sink for `key`, if somebody else holds it, too.
    fn find(&self, key: &Key) -> Option<SharedSink> {
        let mut same = self.shared.iter().filter(|entry| entry.key == *key);
        same.find_map(|entry| entry.sink.hold())
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
