//! What goes on while an upstream is in use: probes of those preferred to it, and the search for a
//! connection to replace one that is too old.
//!
//! In: the rules (`failover`), and a list of upstreams that may change. Out: a reason to leave the
//! connection in use, with the connection to go on with. Not here: the connection in use (`connection`).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::Broken;
use super::failover::Failover;
use super::probe::{Fresh, ProbeError, probe};
use super::writer::{changed, forget_those_after};
use super::{Upstream, UpstreamList, lock};
use crate::sinks::backoff::shortened;
use linemill_telemetry::Gate;

/// Why the connection in use is to be left.
#[derive(Debug)]
pub(super) enum Leave {
    /// For this connection.
    For(Upstream, Fresh),
    /// A reload has removed its upstream.
    Removed,
}

/// A probe that has ended.
#[derive(Debug)]
struct Probed {
    upstream: Upstream,
    /// Whether it was watched for longer, after FIN.
    after_fin: bool,
    result: Result<Fresh, ProbeError>,
}

/// Watches while one upstream is in use.
#[derive(Debug)]
pub(super) struct Watcher {
    in_use: Upstream,
    opened: Instant,
    failover: Arc<Mutex<Failover<Upstream>>>,
    list: watch::Receiver<UpstreamList>,
    /// The greatest age of the connection in use.
    max_age: Option<Duration>,
    /// They end when this is dropped.
    probes: JoinSet<Probed>,
    /// Upstreams with a connection that has got FIN and is being watched for longer.
    outlasting: Vec<Upstream>,
    log: Gate,
}

impl Watcher {
    /// The connection in use was `opened` then.
    pub(super) fn new(
        in_use: Upstream,
        opened: Instant,
        failover: Arc<Mutex<Failover<Upstream>>>,
        list: watch::Receiver<UpstreamList>,
    ) -> Self {
        Self {
            in_use,
            opened,
            failover,
            list,
            max_age: None,
            probes: JoinSet::new(),
            outlasting: Vec::new(),
            log: Gate::default(),
        }
    }

    /// Watches until there is a reason to leave the connection in use.
    pub(super) async fn run(mut self) -> Leave {
        // A probe sends its upstream when that counts as up.
        let (back, mut is_back) = mpsc::unbounded_channel();
        // It may have changed while no connection was in use.
        if self.follow() {
            return Leave::Removed;
        }
        loop {
            let next = self.start_probes(&back);
            tokio::select! {
                () = changed(&mut self.list) => if self.follow() {
                    return Leave::Removed;
                },
                Some(upstream) = is_back.recv() => {
                    lock(&self.failover).note_back(&upstream);
                }
                Some(probed) = self.probes.join_next() => {
                    // Probes do not panic, and are not cancelled while this runs.
                    let Ok(probed) = probed else { continue };
                    if let Some(leave) = self.ended(probed) {
                        return leave;
                    }
                }
                () = sleep_until(next.unwrap_or(self.opened)), if next.is_some() => {}
            }
        }
    }

    /// Adopts the list and the options that are in force. Returns whether the upstream in use has been
    /// removed.
    fn follow(&mut self) -> bool {
        let list = self.list.borrow_and_update().clone();
        let mut failover = lock(&self.failover);
        if !failover.has(list.iter()) {
            failover.set_list(list.iter().cloned());
            self.probes = JoinSet::new();
            self.outlasting.clear();
            forget_those_after(&list, &self.in_use);
        }
        let max_age = self.in_use.max_age();
        if self.max_age != max_age {
            self.max_age = max_age;
            failover.replace_at(max_age.map(|age| self.opened + shortened(age)));
        }
        !failover.lists_in_use()
    }

    /// Starts the probes that are due. Returns when the next is.
    fn start_probes(&mut self, back: &mpsc::UnboundedSender<Upstream>) -> Option<Instant> {
        let mut failover = lock(&self.failover);
        while let Some((upstream, watch)) = failover.probe(Instant::now()) {
            let back = back.clone();
            let replaces = upstream == self.in_use;
            self.probes.spawn(async move {
                let is_up = || {
                    if !replaces {
                        upstream.note_up();
                        drop(back.send(upstream.clone()));
                    }
                };
                let result = probe(&upstream, watch, is_up).await;
                Probed {
                    upstream,
                    after_fin: false,
                    result,
                }
            });
        }
        failover.next_probe()
    }

    /// A probe has ended. Returns whether the connection in use is to be left for it.
    fn ended(&mut self, probed: Probed) -> Option<Leave> {
        let Probed {
            upstream,
            after_fin,
            result,
        } = probed;
        let replaces = upstream == self.in_use;
        if after_fin {
            self.outlasting.retain(|one| *one != upstream);
        }
        match result {
            Ok(fresh) if fresh.is_doubtful() => {
                // Others are tried meanwhile: they may not end like that. There is no hurry to replace
                // a connection that works.
                if !replaces {
                    self.failed(&upstream, &Broken::Ended.into());
                }
                if !self.outlasting.contains(&upstream) {
                    self.outlasting.push(upstream.clone());
                    self.probes.spawn(async move {
                        Probed {
                            upstream,
                            after_fin: true,
                            result: fresh.outlast().await,
                        }
                    });
                }
            }
            Ok(fresh) => return Some(Leave::For(upstream, fresh)),
            Err(error) if replaces || !after_fin => self.failed(&upstream, &error),
            // It has failed before.
            Err(_) => {}
        }
        None
    }

    fn failed(&self, upstream: &Upstream, error: &ProbeError) {
        if lock(&self.failover).probe_failed(upstream, Instant::now()) {
            upstream.note_failure(error, 0);
        } else if let Some(not_logged) = self.log.pass() {
            let to = upstream.to();
            tracing::warn!(to, %error, not_logged, "cannot replace a connection that is too old; it stays in use");
        }
    }
}
