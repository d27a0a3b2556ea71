//! Sinks: everything that lines go to after their chain.
//!
//! In: the `to`, `routes` and `tee` of a listener and the `quarantine` of a filter; then the lines
//! themselves. Out: bytes on sockets, in files and on standard output, and counts of lines handed
//! over and lost.
//!
//! [`Egress`](egress::Egress) is all sinks of one listener. Each connection writes to it through a
//! `ConnectionSink`, which holds the connection's own socket. A [`SharedSink`](shared_sink::SharedSink)
//! (`file`, standard output, or an [`Upstream`](upstream::Upstream)) takes lines from many connections;
//! the [`SinkRegistry`](registry::SinkRegistry) has each of them once.
//! Not here: filtering, when a connection ends (`connections`).

mod backoff;
pub mod batch;
pub(crate) mod connection_sink;
pub mod create_mode;
pub mod egress;
mod file;
pub mod framings;
mod lifetime;
pub mod metrics;
#[cfg(test)]
mod model;
pub mod open;
pub mod outage;
mod quarantine;
mod queue;
mod queue_reader;
pub mod registry;
pub mod shared_sink;
mod stdout;
pub mod throughput;
/// What `lifetime` locks with; the model check replaces it.
mod runtime {
    pub(super) use std::sync::{Mutex, MutexGuard};
}
#[cfg(test)]
mod testing;
pub mod upstream;
pub(crate) mod write_queue;
