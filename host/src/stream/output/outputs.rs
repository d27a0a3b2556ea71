//! All outputs of a host that connections share: one for each destination, whoever sends to it.
//!
//! In: destinations. Out: the one [`SharedOutput`] of each. Not here: next hops of which each
//! connection has its own (`hop`).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::SharedOutput;
use crate::stream::hop::Hop;
use crate::telemetry::metrics::Metrics;
use linemill_config::settings::{Destination, HopTls};

/// What makes two outputs the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Where it is.
    pub to: Destination,
    /// Who it must be, and who the host is to it; for `tls://` only.
    pub tls: Option<HopTls>,
}

/// The outputs that connections share. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Outputs(Arc<Mutex<HashMap<Key, SharedOutput>>>);

impl Outputs {
    /// The output for `key`, opened if it is the first time. `hop` is how to reach it, if it is a
    /// server; at most `buffer` bytes wait for it, or as many as the largest `buffer` says.
    ///
    /// # Errors
    /// When it cannot be opened: a file whose folder is not there, say.
    pub fn open(
        &self,
        key: Key,
        hop: Option<Hop>,
        buffer: usize,
        metrics: &Metrics,
    ) -> io::Result<SharedOutput> {
        let mut outputs = self.lock();
        if let Some(output) = outputs.get(&key) {
            output.raise_buffer(buffer);
            return Ok(output.clone());
        }
        let metrics = metrics.output(&name(&outputs, &key.to));
        let output = match (&key.to, hop) {
            (Destination::Stdout, _) => SharedOutput::to_stdout(buffer, metrics)?,
            (Destination::File(path), _) => SharedOutput::to_file(path, buffer, metrics)?,
            (_, Some(hop)) => SharedOutput::to_hop(hop, buffer, metrics),
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        outputs.insert(key, output.clone());
        Ok(output)
    }

    /// Opens files anew, after a log rotation.
    pub fn reopen(&self) {
        self.lock().values().for_each(SharedOutput::reopen);
    }

    /// Lets go of those that nobody sends to any more. They end when they have written all.
    pub fn sweep(&self) {
        self.lock().retain(|_, output| !output.is_alone());
    }

    /// Takes no more lines, and lets all write what waits until `deadline`. Returns how many lines
    /// were lost; they have been counted.
    pub async fn finish(&self, deadline: Instant) -> u64 {
        let mut finishing: JoinSet<_> = {
            let outputs = self.lock();
            let finishing = outputs.iter().map(|(key, output)| {
                let (to, output) = (key.to.clone(), output.clone());
                async move { (to, output.finish(deadline).await) }
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, SharedOutput>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What metrics call it: the same destination by other certificates is another one.
fn name(outputs: &HashMap<Key, SharedOutput>, to: &Destination) -> String {
    match outputs.keys().filter(|key| key.to == *to).count() {
        0 => to.to_string(),
        others => format!("{to}#{}", others + 1),
    }
}
