//! All shared sinks of a host, one for each destination.
//!
//! In: destinations. Out: the one [`SharedSink`] of each, however many listeners and filters name it.
//! Not here: sinks that a connection has for itself (`connection_sink`).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::metrics::OutputMetrics;
use super::shared_sink::SharedSink;
use super::upstream::Upstream;
use linemill_config::settings::{Destination, HopTls};
use linemill_telemetry::Families;

/// Identifies a shared sink: two destinations with equal keys are one sink.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Where its lines go.
    pub to: Destination,
    /// The certificates to expect and to show; only for `tls://`.
    pub tls: Option<HopTls>,
}

/// The shared sinks of a host. Clones refer to the same ones.
#[derive(Debug, Clone)]
pub struct SinkRegistry {
    metrics: Families<OutputMetrics>,
    /// All open sinks. One that nobody else holds stays until the next [`SinkRegistry::sweep`].
    sinks: Arc<Mutex<HashMap<Key, SharedSink>>>,
}

impl SinkRegistry {
    /// Without any sinks yet; they count in `metrics`.
    pub fn new(metrics: Families<OutputMetrics>) -> Self {
        Self {
            metrics,
            sinks: Arc::default(),
        }
    }

    /// The sink for `key`, opened if it is not open yet. `upstream` is how to reach it, if it is a
    /// server. At most `buffer` bytes wait for it; if there are several values, the largest
    /// applies.
    ///
    /// # Errors
    /// When it cannot be opened, for example a file in a folder that does not exist.
    pub fn open(
        &self,
        key: Key,
        upstream: Option<Upstream>,
        buffer: usize,
    ) -> io::Result<SharedSink> {
        let mut sinks = self.lock();
        if let Some(sink) = sinks.get(&key) {
            sink.raise_buffer(buffer);
            return Ok(sink.clone());
        }
        let metrics = self.metrics.of(&label(&sinks, &key.to));
        let sink = match (&key.to, upstream) {
            (Destination::Stdout, _) => SharedSink::to_stdout(buffer, metrics)?,
            (Destination::File(path), _) => SharedSink::to_file(path, buffer, metrics)?,
            (_, Some(upstream)) => SharedSink::to_upstream(upstream, buffer, metrics),
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        sinks.insert(key, sink.clone());
        Ok(sink)
    }

    /// Reopens all files, after a log rotation.
    pub fn reopen(&self) {
        self.lock().values().for_each(SharedSink::reopen);
    }

    /// Releases sinks that nobody sends to any more. They end when they have written everything.
    pub fn sweep(&self) {
        self.lock().retain(|_, sink| !sink.is_alone());
    }

    /// Closes all sinks, and waits until they have written what is queued, or until `deadline`.
    /// Returns how many lines were lost; they have been counted.
    pub async fn finish(&self, deadline: Instant) -> u64 {
        let mut finishing: JoinSet<_> = {
            let sinks = self.lock();
            let finishing = sinks.iter().map(|(key, sink)| {
                let (to, sink) = (key.to.clone(), sink.clone());
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, SharedSink>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of the metrics' label `output`. The same destination with other certificates is
/// another sink, so it gets a number.
fn label(sinks: &HashMap<Key, SharedSink>, to: &Destination) -> String {
    match sinks.keys().filter(|key| key.to == *to).count() {
        0 => to.to_string(),
        others => format!("{to}#{}", others + 1),
    }
}

#[cfg(test)]
mod tests;
