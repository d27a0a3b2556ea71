//! The one thing that data plane and control plane share: what is in force now.
//!
//! In: chains and settings, put together by the control plane. Out: [`Orders`], which every
//! listener and connection watches and follows between two batches of lines.
//! Not here: building chains, serving connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::settings::{LineSettings, ListenerSettings};
use crate::filter::chain::Chain;
use crate::filter::stage::Filter;
use crate::filter::verdict::Rules;

/// What the data plane is to do, as of now.
#[derive(Clone)]
pub struct Orders {
    /// The chains in force.
    pub generation: Arc<Generation>,
    /// Set once the host drains: when connections end, whatever still comes.
    pub drain_until: Option<Instant>,
}

/// Everything that a swap puts in place at once.
pub struct Generation {
    /// 1 at start, one more for each swap.
    pub number: u64,
    /// By listener name.
    pub services: HashMap<String, Arc<Service>>,
    /// Grace period for connections when the host stops.
    pub drain: Duration,
    /// By name: all filters of the configuration, whether a chain uses them or not.
    pub filters: HashMap<String, Arc<Filter>>,
}

/// What a listener does with its connections.
pub struct Service {
    /// The filters lines go through.
    pub chain: Arc<Chain>,
    /// How bytes become lines.
    pub lines: LineSettings,
    /// Longest time without a byte either way.
    pub idle_timeout: Option<Duration>,
    /// Longest time from a line's first byte to its terminator.
    pub line_timeout: Option<Duration>,
    /// Longest time without write progress.
    pub write_timeout: Option<Duration>,
    /// Connections served at a time.
    pub max_connections: usize,
}

impl Orders {
    /// A first generation, watched from here on.
    pub fn first(generation: Generation) -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self {
            generation: Arc::new(generation),
            drain_until: None,
        })
    }
}

impl Service {
    /// What `settings` ask for, with `chain`.
    pub fn new(settings: &ListenerSettings, chain: Arc<Chain>) -> Self {
        Self {
            chain,
            lines: settings.lines,
            idle_timeout: settings.idle_timeout,
            line_timeout: settings.line_timeout,
            write_timeout: settings.write_timeout,
            max_connections: settings.max_connections,
        }
    }

    /// What its streams ask of filters. A filter may make a line four times as long as the
    /// longest that comes in.
    pub fn rules(&self) -> Rules {
        Rules {
            framing: self.lines.framing,
            max_output: 4 * self.lines.max_line,
        }
    }
}
