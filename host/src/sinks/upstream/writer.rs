//! Writing to an upstream that connections share: one connection at a time, replaced when it breaks.
//!
//! In: bytes from a queue. Out: the same on connections to the upstream, and an account of the lines
//! that were under way when one broke. A line that was cut goes whole on the next one.
//! Not here: how to connect (`super`), what happens on a connection (`connection`).

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::connection::Connection;
use super::trial::{LONG_SETTLE, SETTLE};
use super::{Link, Upstream};
use crate::sinks::backoff::Backoff;
use crate::sinks::queue_reader::{QueueReader, WriterEnd};

/// Longest wait between two attempts. One connection serves all clients, so it may ask often.
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// What is remembered from one connection to the next.
struct Experience {
    backoff: Backoff,
    /// How long the next connection must last to be proven.
    settle: Duration,
    /// Whether the upstream ends its answers and takes lines.
    one_way: bool,
}

/// Writes until nothing more will come, or until `deadline`.
pub(in crate::sinks) async fn run(
    upstream: &Upstream,
    queue: &mut QueueReader,
    deadline: impl Future<Output = ()>,
) -> WriterEnd {
    let mut deadline = pin!(deadline);
    let mut experience = Experience {
        backoff: Backoff::up_to(LONGEST_PAUSE),
        settle: SETTLE,
        one_way: false,
    };
    loop {
        let link = tokio::select! {
            biased;
            link = connect(upstream, queue, &mut experience.backoff) => link,
            () = &mut deadline => return WriterEnd::TooLate,
        };
        let Some(link) = link else {
            return WriterEnd::Done;
        };
        let mut connection = Connection::new(link, experience.settle, experience.one_way);
        let served = tokio::select! {
            biased;
            served = connection.serve(upstream, queue) => served,
            () = &mut deadline => {
                connection.give_up(queue);
                return WriterEnd::TooLate;
            }
        };
        let Err(broken) = served else {
            return WriterEnd::Done;
        };
        let doubtful = upstream.doubtful();
        let settled = connection.settle(queue, doubtful);
        queue.metrics().resent.inc_by(settled.resent);
        if settled.lost > 0 {
            let (to, lost) = (upstream.outage().to(), settled.lost);
            tracing::warn!(to, lost, error = %broken, "lines lost: they were not acknowledged");
        }
        queue.metrics().up.set(0);
        queue.metrics().failures.inc();
        upstream.outage().failed(&broken, queue.queued());
        let again = experience.after(&connection);
        drop(connection);
        if let Some(pause) = again {
            tokio::select! {
                () = sleep(pause) => {}
                () = queue.finished() => {}
                () = &mut deadline => return WriterEnd::TooLate,
            }
        }
    }
}

/// Retries until there is a connection. `None`: nothing more will come, and nothing is left.
async fn connect(
    upstream: &Upstream,
    queue: &mut QueueReader,
    backoff: &mut Backoff,
) -> Option<Link> {
    loop {
        let failed = tokio::select! {
            link = upstream.link() => match link {
                Ok(link) => return Some(link),
                Err(error) => error,
            },
            () = queue.finished() => return None,
        };
        queue.metrics().failures.inc();
        upstream.outage().failed(&failed, queue.queued());
        tokio::select! {
            () = sleep(backoff.pause()) => {}
            () = queue.finished() => return None,
        }
    }
}

impl Experience {
    /// Learns from a connection that broke. Returns how long to wait before the next.
    fn after(&mut self, connection: &Connection) -> Option<Duration> {
        let trial = connection.trial();
        self.one_way = trial.is_one_way();
        if trial.was_trusted() {
            self.settle = SETTLE;
        } else if trial.was_proven() {
            self.settle = LONG_SETTLE;
        }
        if trial.was_proven() {
            self.backoff.reset();
            return None;
        }
        Some(self.backoff.pause())
    }
}
