//! Opening the sink for lines that a filter failed.
//!
//! In: a filter's `quarantine`. Out: a [`Quarantine`], which the filter offers such lines to. The
//! sink behind it is shared with others of the same destination.

use super::batch::Batch;
use super::open::quarantine_problem;
use super::registry::{Key, SinkRegistry};
use super::shared_sink::SharedSink;
use super::upstream::{ConnectOptions, Upstream};
use crate::generation::Quarantines;
use linemill_config::Problem;
use linemill_config::settings::{FilterSettings, ListenerSettings};
use linemill_framing::Framing;
use linemill_sandbox::supervise::quarantine::Quarantine;

impl Quarantines for SinkRegistry {
    fn open(&self, filter: &FilterSettings) -> Result<Option<Quarantine>, Problem> {
        let Some(to) = &filter.quarantine else {
            return Ok(None);
        };
        // A filter has no keys of its own for these.
        let ListenerSettings {
            buffer,
            connect_timeout,
            ..
        } = ListenerSettings::default();
        let options = ConnectOptions {
            connect_timeout,
            tls: None,
        };
        let key = Key {
            to: to.clone(),
            tls: None,
        };
        let sink = SinkRegistry::open(self, key, Upstream::new(to, options), buffer)
            .map_err(|error| quarantine_problem(filter, to, &error))?;
        let held = HeldSink {
            sink: Some(sink),
            registry: self.clone(),
        };
        let offer = move |bytes| held.offer(bytes);
        Ok(Some(Quarantine::new(to.to_string(), Box::new(offer))))
    }
}

/// A filter's hold on a sink. The sink closes with it unless somebody else holds it, too.
struct HeldSink {
    /// `Some` until dropped: it must go before the registry is swept.
    sink: Option<SharedSink>,
    registry: SinkRegistry,
}

impl HeldSink {
    /// Offers one line; says whether there was room.
    fn offer(&self, bytes: Vec<u8>) -> bool {
        let batch = Batch {
            bytes,
            lines: 1,
            framing: Framing::Lf,
        };
        self.sink.as_ref().is_some_and(|sink| sink.offer(&batch))
    }
}

impl Drop for HeldSink {
    fn drop(&mut self) {
        self.sink = None;
        self.registry.sweep();
    }
}
