//! All outputs of a host, each opened once.
//!
//! In: destinations. Out: the one [`SharedOutput`] of each, however many listeners write to it.

use std::collections::HashMap;
use std::io;

use tokio::time::Instant;

use super::SharedOutput;
use crate::config::settings::{Destination, HopTls};
use crate::stream::hop::Hop;
use crate::telemetry::metrics::Metrics;

/// What makes two outputs the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Where it is.
    pub to: Destination,
    /// Who it must be, and who the host is to it.
    pub tls: Option<HopTls>,
}

/// The outputs that connections share.
#[derive(Debug, Default)]
pub struct Outputs(HashMap<Key, SharedOutput>);

impl Outputs {
    /// The output for `key`, opened if it is the first time. `hop` is how to reach it, if it is a
    /// server; at most `capacity` bytes wait for it.
    ///
    /// # Errors
    /// When it cannot be opened: a file whose folder is not there, say.
    pub fn open(
        &mut self,
        key: Key,
        hop: Option<Hop>,
        capacity: usize,
        metrics: &Metrics,
    ) -> io::Result<SharedOutput> {
        if let Some(output) = self.0.get(&key) {
            return Ok(output.clone());
        }
        let counts = metrics.output(&key.to.to_string());
        let output = SharedOutput::open(&key.to, hop, capacity, counts)?;
        self.0.insert(key, output.clone());
        Ok(output)
    }

    /// Opens files anew, after a log rotation.
    pub fn reopen(&self) {
        self.0.values().for_each(SharedOutput::reopen);
    }

    /// Lets all write what they still have, until `deadline`.
    pub async fn finish(&self, deadline: Instant) {
        for output in self.0.values() {
            output.finish(deadline).await;
        }
    }
}
