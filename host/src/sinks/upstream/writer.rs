//! Writing to upstreams that connections share: one connection at a time, replaced when it breaks, when
//! it is too old, and when an upstream that is preferred is back.
//!
//! In: bytes from a queue, and a list of upstreams that may change. Out: the same bytes on connections to
//! the upstreams, and an account of the lines that were under way when one broke. A line that was cut goes
//! whole on the next one. Nothing is written to a connection before everything on the one before it has
//! been accounted for.
//! Not here: how to connect (`super`), which upstream is next (`failover`), what happens on a connection
//! (`connection`).

use std::pin::pin;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Served};
use super::failover::{Change, Failover, Next};
use super::probe::Fresh;
use super::watcher::{Leave, Watcher};
use super::{ConnectError, Link, Upstream, UpstreamList, lock};
use crate::sinks::queue_reader::{Doubtful, QueueReader, WriterEnd};

/// What is known of the upstreams of a sink.
#[derive(Debug)]
struct Known {
    /// Changes at reloads.
    list: watch::Receiver<UpstreamList>,
    failover: Arc<Mutex<Failover<Upstream>>>,
}

/// Writes until nothing more will come, or until `deadline`.
pub(in crate::sinks) async fn run(
    list: watch::Receiver<UpstreamList>,
    queue: &mut QueueReader,
    deadline: impl Future<Output = ()>,
) -> WriterEnd {
    let mut deadline = pin!(deadline);
    let mut known = Known::new(list);
    let mut prepared = None;
    loop {
        let next = match prepared.take() {
            Some(prepared) => Some(prepared),
            None => tokio::select! {
                biased;
                next = known.connect(queue) => next,
                () = &mut deadline => return WriterEnd::TooLate,
            },
        };
        let Some((upstream, fresh)) = next else {
            return WriterEnd::Done;
        };
        let experience = *lock(&upstream.0.experience);
        let mut connection = Connection::new(fresh, experience, upstream.doubtful());
        upstream.set_in_use(true);
        let (metrics, failover) = (queue.metrics().clone(), &known.failover);
        let (list, used) = (known.list.clone(), &upstream);
        let is_up = |up: bool| {
            metrics.up.set(i64::from(up));
            if up {
                used.note_up();
                log_change(lock(failover).up(), used);
                forget_those_after(&list.borrow(), used);
            }
        };
        let watcher = Watcher::new(
            upstream.clone(),
            connection.opened(),
            Arc::clone(&known.failover),
            known.list.clone(),
        );
        // A task of its own: the connection is written to far more often than it has to do something.
        let mut watching = JoinSet::new();
        watching.spawn(watcher.run());
        let leave = async {
            match watching.join_next().await {
                Some(Ok(leave)) => leave,
                // The runtime is about to end.
                _ => std::future::pending().await,
            }
        };
        let served = tokio::select! {
            biased;
            served = connection.serve(used, queue, is_up, leave) => served,
            () = &mut deadline => {
                connection.give_up(queue);
                return WriterEnd::TooLate;
            }
        };
        // It must not note anything any more when the next connection is in use.
        watching.shutdown().await;
        upstream.set_in_use(false);
        let broken = match served {
            Ok(Served::Finished) => return WriterEnd::Done,
            Ok(Served::Left(leave)) => {
                lock(&upstream.0.experience).learn(Instant::now(), connection.trial());
                lock(&known.failover).left();
                tokio::spawn(connection.end());
                prepared = leave.into_next(&upstream, queue, &known);
                continue;
            }
            Err(broken) => broken,
        };
        let doubtful = upstream.doubtful();
        let mut attempt = None;
        if connection.is_in_doubt() && doubtful == Doubtful::Lost {
            tokio::select! {
                made = upstream.link_soon() => attempt = Some(made),
                () = &mut deadline => {}
            }
        }
        let gone = matches!(&attempt, Some(Err(error)) if error.is_refused());
        let settled = connection.settle(queue, doubtful, gone);
        queue.metrics().resent.inc_by(settled.resent);
        if settled.lost > 0 {
            let (to, lost) = (upstream.to(), settled.lost);
            tracing::warn!(to, lost, error = %broken, "lines lost: they were not acknowledged");
        }
        queue.metrics().up.set(0);
        queue.metrics().failures.inc();
        upstream.note_failure(&broken, queue.queued());
        let (now, trial) = (Instant::now(), connection.trial());
        let mut experience = lock(&upstream.0.experience);
        experience.learn(now, trial);
        if connection.was_refused(&broken) {
            experience.refused();
        }
        drop(experience);
        lock(&known.failover).broken(now, trial.was_up(now));
        if let Some(Ok(link)) = attempt
            && known.has_only(&upstream)
        {
            lock(&known.failover).connected(&upstream, now, false);
            prepared = Some((upstream, Fresh::new(link)));
        }
    }
}

impl Known {
    fn new(mut list: watch::Receiver<UpstreamList>) -> Self {
        let upstreams: Vec<_> = list.borrow_and_update().iter().cloned().collect();
        Self {
            list,
            failover: Arc::new(Mutex::new(Failover::new(upstreams))),
        }
    }

    /// Retries until there is a connection. `None`: nothing more will come, and nothing is left.
    async fn connect(&mut self, queue: &mut QueueReader) -> Option<(Upstream, Fresh)> {
        loop {
            self.follow();
            let next = lock(&self.failover).next(Instant::now());
            match next {
                Next::Connect(upstream) => {
                    let attempt = tokio::select! {
                        attempt = self.attempt(&upstream) => attempt,
                        () = queue.finished() => return None,
                    };
                    let error = match attempt {
                        Some(Ok(link)) => {
                            let now = Instant::now();
                            lock(&self.failover).connected(&upstream, now, false);
                            return Some((upstream, Fresh::new(link)));
                        }
                        Some(Err(error)) => error,
                        None => continue,
                    };
                    if error.is_refused() {
                        lock(&upstream.0.experience).refused();
                    }
                    queue.metrics().failures.inc();
                    upstream.note_failure(&error, queue.queued());
                    lock(&self.failover).failed(&upstream, Instant::now());
                }
                Next::Wait(until) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = queue.finished() => return None,
                    () = changed(&mut self.list) => {}
                },
            }
        }
    }

    /// Tries once to connect. `None`: the list has changed, and another attempt is to be made now.
    ///
    /// A reload announces every list, also those that stay as they are. Such an attempt goes on: giving it up
    /// would close a connection that the upstream may have accepted.
    async fn attempt(&mut self, upstream: &Upstream) -> Option<Result<Link, ConnectError>> {
        let options = upstream.options();
        let mut link = pin!(upstream.link());
        loop {
            tokio::select! {
                biased;
                link = &mut link => return Some(link),
                () = changed(&mut self.list) => {}
            }
            let followed = self.follow();
            let next = lock(&self.failover).next(Instant::now());
            let goes_elsewhere = followed && next != Next::Connect(upstream.clone());
            if goes_elsewhere || !upstream.options().connects_like(&options) {
                return None;
            }
        }
    }

    /// Whether there is no other upstream to turn to.
    fn has_only(&mut self, upstream: &Upstream) -> bool {
        self.follow();
        self.list.borrow().iter().eq([upstream])
    }

    /// Adopts a list that has changed. Returns whether it has.
    fn follow(&mut self) -> bool {
        let list = self.list.borrow_and_update().clone();
        let mut failover = lock(&self.failover);
        let changed = !failover.has(list.iter());
        if changed {
            failover.set_list(list.iter().cloned());
        }
        changed
    }
}

impl Leave {
    /// What comes after the connection in use: a connection, unless its upstream has to be looked for.
    fn into_next(
        self,
        from: &Upstream,
        queue: &QueueReader,
        known: &Known,
    ) -> Option<(Upstream, Fresh)> {
        let Self::For(upstream, fresh) = self else {
            queue.metrics().up.set(0);
            from.forget();
            return None;
        };
        lock(&known.failover).connected(&upstream, Instant::now(), upstream != *from);
        if upstream == *from {
            tracing::info!(
                to = upstream.to(),
                "moved to a new connection: `to_max_age` is over"
            );
        }
        Some((upstream, fresh))
    }
}

/// Resolves when a list has changed.
pub(super) async fn changed(list: &mut watch::Receiver<UpstreamList>) {
    if list.changed().await.is_err() {
        // Nobody can change it any more.
        std::future::pending().await
    }
}

/// The upstreams after the one in use are not watched, so that nothing is known of them.
pub(super) fn forget_those_after(list: &UpstreamList, in_use: &Upstream) {
    let after = list.iter().skip_while(|one| *one != in_use).skip(1);
    after.for_each(Upstream::forget);
}

fn log_change(change: Option<Change<Upstream>>, to: &Upstream) {
    let to = to.to();
    match change {
        None => {}
        Some(Change::FailedOver { from }) => {
            tracing::warn!(
                from = from.to(),
                to,
                "fail-over: lines go to another upstream now"
            );
        }
        Some(Change::FailedBack { from }) => {
            tracing::info!(
                from = from.to(),
                to,
                "fail-back: lines go to a preferred upstream again"
            );
        }
        Some(Change::Replaced { from }) => {
            tracing::info!(
                from = from.to(),
                to,
                "lines go to another upstream now: the list has changed"
            );
        }
    }
}
