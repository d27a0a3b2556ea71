//! Lines that come without a connection.
//!
//! In: a reader of what many senders sent, each line terminated. Out: the lines in the sinks of the
//! listener, and why the stream ended. There is nobody to answer, and no client to wait for.
//! Not here: receiving datagrams (`listeners`).

use std::sync::Arc;

use tokio::io::sink;
use tokio::sync::watch;

use super::activity::Activity;
use super::context::Context;
use super::end::End;
use super::pump::Pump;
use super::source::Source;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Direction, Snapshot};
use crate::sinks::connection_sink::ConnectionSink;
use linemill_sandbox::origin::Origin;
use linemill_sandbox::trial::Cohort;

/// Serves the lines of `reader` to its end; `None` when its listener is not in force.
pub async fn serve(
    reader: impl Source,
    listener: Arc<str>,
    snapshot: watch::Receiver<Snapshot>,
    metrics: Arc<LineMetrics>,
) -> Option<End> {
    let origin = Origin {
        listener: Some(Arc::clone(&listener)),
        many: true,
        ..Origin::default()
    };
    let context = Context {
        listener,
        snapshot,
        metrics,
        activity: Arc::new(Activity::new()),
        cohort: Cohort::NONE,
        origin: Arc::new(origin),
        last: None,
    };
    let sink = ConnectionSink::of_client(sink());
    let mut pump = Pump::new(reader, sink, Direction::Forward, false, context)?;
    let end = pump.serve().await;
    pump.discard();
    Some(end)
}
