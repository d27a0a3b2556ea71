//! The listeners of a host: which sockets are open, and which sinks their lines go to.
//!
//! In: validated settings, and the generation built of them. Out: running listeners. New listeners are
//! bound, and their sinks opened, before the generation is published, so that an address in use
//! refuses the whole reload. A removed listener learns from the snapshot that it must drain.
//! Not here: which changes need a restart (`config::diff`), accepting connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::egress;
use crate::bind::{Handed, Socket, bind};
use crate::generation::{Generation, Snapshot};
use crate::stream::hop::Terms;
use crate::stream::listener::Listener;
use crate::stream::outlet::Destinations;
use crate::stream::output::Outputs;
use crate::telemetry::metrics::Metrics;
use linemill_config::settings::{ListenerSettings, Settings};
use linemill_config::{Problem, Problems};

/// How long shared sinks may write their last lines after the grace period.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The listeners of a host.
pub struct Listeners {
    handed: Handed,
    snapshot: watch::Receiver<Snapshot>,
    /// The sinks of each listener in the generation in force, by the listener's name.
    members: HashMap<String, Arc<Destinations>>,
    /// The tasks of all listeners that still have connections, removed ones included.
    running: JoinSet<()>,
    outputs: Outputs,
}

/// New listeners, bound and not yet accepting. Dropping them closes their sockets.
pub struct Prepared(Vec<Bound>);

struct Bound {
    name: String,
    socket: Socket,
    destinations: Arc<Destinations>,
}

impl Listeners {
    /// A host without listeners. Listeners follow `snapshot`, may use the sockets in `handed`, and
    /// register shared sinks in `outputs`.
    pub fn new(handed: Handed, snapshot: watch::Receiver<Snapshot>, outputs: Outputs) -> Self {
        Self {
            handed,
            snapshot,
            members: HashMap::new(),
            running: JoinSet::new(),
            outputs,
        }
    }

    /// The sinks that several listeners share.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// The sockets that the service manager handed over.
    pub fn handed(&mut self) -> &mut Handed {
        &mut self.handed
    }

    /// Binds the listeners of `settings` that are new, and opens their sinks.
    ///
    /// # Errors
    /// Every listener that cannot be bound and every sink that cannot be opened; nothing stays bound.
    pub fn prepare(
        &mut self,
        settings: &Settings,
        generation: &Generation,
        metrics: &Metrics,
    ) -> Result<Prepared, Problems> {
        self.outputs.sweep();
        let (mut prepared, mut wrong) = (Vec::new(), Vec::new());
        for listener in &settings.listeners {
            if self.members.contains_key(&listener.name) {
                continue;
            }
            let Some(service) = generation.services.get(&listener.name) else {
                continue;
            };
            let opened = egress::open(listener, service, &self.outputs, metrics);
            match opened.and_then(|opened| Ok((opened, self.bind(listener, generation)?))) {
                Ok((destinations, socket)) => prepared.push(Bound {
                    name: listener.name.clone(),
                    socket,
                    destinations: Arc::new(destinations),
                }),
                Err(report) => wrong.push(report),
            }
        }
        Problems::new(wrong).map_or(Ok(Prepared(prepared)), Err)
    }

    /// The listeners that `next` removes, and those removed earlier whose grace period is not over, each
    /// with the time at which its last connections are closed.
    pub fn leaving(&self, before: &Generation, next: &Generation) -> HashMap<String, Instant> {
        let now = Instant::now();
        let gone = |name: &String| !next.services.contains_key(name);
        let earlier = before.leaving.iter().filter(|(_, until)| **until > now);
        let earlier = earlier.map(|(name, until)| (name.clone(), *until));
        let new = before.services.keys();
        let new = new.map(|name| (name.clone(), now + next.drain));
        earlier.chain(new).filter(|(name, _)| gone(name)).collect()
    }

    /// Follows the generation that has just been published: starts the new listeners, each announced on
    /// standard error with its address, releases the sinks of removed ones, and updates the terms of
    /// upstreams.
    pub fn start(&mut self, prepared: Prepared, metrics: &Metrics) {
        let generation = Arc::clone(self.snapshot.borrow().generation());
        for bound in prepared.0 {
            let address = bound.socket.name().clone();
            let listener = Listener::new(
                &bound.name,
                bound.socket,
                Arc::clone(&bound.destinations),
                self.snapshot.clone(),
                Arc::new(metrics.listener(&bound.name)),
            );
            self.running.spawn(listener.serve());
            self.members.insert(bound.name, bound.destinations);
            eprintln!("listening on {address}");
        }
        self.members
            .retain(|name, _| generation.services.contains_key(name));
        for (name, destinations) in &self.members {
            if let Some(service) = generation.services.get(name) {
                let terms = Terms::of(service);
                destinations
                    .hops()
                    .for_each(|hop| hop.set_terms(terms.clone()));
            }
        }
        while self.running.try_join_next().is_some() {}
    }

    /// Waits until all listeners have drained and shared sinks have written their lines. `until` is the
    /// end of the grace period; the snapshot must say that the host drains.
    pub async fn end(&mut self, until: Instant) {
        while self.running.join_next().await.is_some() {}
        self.outputs.finish(until + LAST_LINES).await;
    }

    fn bind(
        &mut self,
        listener: &ListenerSettings,
        generation: &Generation,
    ) -> Result<Socket, Problem> {
        bind(listener, &mut self.handed).map_err(|report| {
            let gone = self
                .members
                .keys()
                .find(|name| !generation.services.contains_key(*name));
            match gone {
                // The system reports the address in use, but not this likely reason.
                Some(gone) => report.and_hint(&format!(
                    "listener `{gone}`, which this configuration removes, may still listen there: keep its name, or remove it by a reload of its own first"
                )),
                None => report,
            }
        })
    }
}
