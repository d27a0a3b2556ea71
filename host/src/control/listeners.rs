//! What listens: the listeners that run, and where their lines go.
//!
//! In: settings that hold, and the generation built of them. Out: running listeners. What joins is
//! bound and opened before anything is published, so that an address in use refuses the whole; what
//! leaves sees so in the orders and drains by itself.
//! Not here: which changes need a restart (`config::diff`), the work of a listener.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::destinations;
use crate::bind::{Handed, Socket, bind};
use crate::generation::{Generation, Snapshot};
use crate::stream::hop::Terms;
use crate::stream::listener::Listener;
use crate::stream::outlet::Destinations;
use crate::stream::output::Outputs;
use crate::telemetry::metrics::Metrics;
use linemill_config::report::{Report, Reports};
use linemill_config::settings::{ListenerSettings, Settings};

/// How long after the grace period outputs have for their last lines.
const LAST: Duration = Duration::from_secs(1);

/// The listeners of a host.
pub struct Listeners {
    handed: Handed,
    snapshot: watch::Receiver<Snapshot>,
    /// Those in service, by name.
    members: HashMap<String, Arc<Destinations>>,
    /// All that have connections yet.
    running: JoinSet<()>,
    outputs: Outputs,
}

/// Listeners that are bound and do not accept yet. Dropped, they are gone again.
pub struct Joining(Vec<Bound>);

struct Bound {
    name: String,
    socket: Socket,
    destinations: Arc<Destinations>,
}

impl Listeners {
    /// A fleet without listeners, for those who follow `orders`. Some of its sockets may be among
    /// those `handed` over, and where its lines go among `outputs`.
    pub fn new(handed: Handed, snapshot: watch::Receiver<Snapshot>, outputs: Outputs) -> Self {
        Self {
            handed,
            snapshot,
            members: HashMap::new(),
            running: JoinSet::new(),
            outputs,
        }
    }

    /// What connections of all listeners share.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// The sockets that were handed over.
    pub fn handed(&mut self) -> &mut Handed {
        &mut self.handed
    }

    /// Binds the listeners of `settings` that do not run, and opens where their lines go.
    ///
    /// # Errors
    /// Everything that cannot be had; nothing is bound then.
    pub fn prepare(
        &mut self,
        settings: &Settings,
        generation: &Generation,
        metrics: &Metrics,
    ) -> Result<Joining, Reports> {
        self.outputs.sweep();
        let (mut joining, mut wrong) = (Vec::new(), Vec::new());
        for listener in &settings.listeners {
            if self.members.contains_key(&listener.name) {
                continue;
            }
            let Some(service) = generation.services.get(&listener.name) else {
                continue;
            };
            let opened = destinations::open(listener, service, &self.outputs, metrics);
            match opened.and_then(|opened| Ok((opened, self.bind(listener, generation)?))) {
                Ok((destinations, socket)) => joining.push(Bound {
                    name: listener.name.clone(),
                    socket,
                    destinations: Arc::new(destinations),
                }),
                Err(report) => wrong.push(report),
            }
        }
        Reports::new(wrong).map_or(Ok(Joining(joining)), Err)
    }

    /// Listeners of `before` that `next` does not have, and those that left earlier and have not
    /// ended: when their connections end at the latest.
    pub fn leaving(&self, before: &Generation, next: &Generation) -> HashMap<String, Instant> {
        let now = Instant::now();
        let gone = |name: &String| !next.services.contains_key(name);
        let earlier = before.leaving.iter().filter(|(_, until)| **until > now);
        let earlier = earlier.map(|(name, until)| (name.clone(), *until));
        let new = before.services.keys();
        let new = new.map(|name| (name.clone(), now + next.drain));
        earlier.chain(new).filter(|(name, _)| gone(name)).collect()
    }

    /// Follows the generation that has just been published: starts what joins, each with a line on
    /// standard error that says where, lets go of what leaves, and tells next hops their terms.
    pub fn start(&mut self, joining: Joining, metrics: &Metrics) {
        let generation = Arc::clone(self.snapshot.borrow().generation());
        for bound in joining.0 {
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

    /// Waits until all listeners have ended, which they do when the orders say drain, and outputs
    /// have written what they were given. `until` is the end of the grace period.
    pub async fn end(&mut self, until: Instant) {
        while self.running.join_next().await.is_some() {}
        self.outputs.finish(until + LAST).await;
    }

    fn bind(
        &mut self,
        listener: &ListenerSettings,
        generation: &Generation,
    ) -> Result<Socket, Report> {
        bind(listener, &mut self.handed).map_err(|report| {
            let gone = self
                .members
                .keys()
                .find(|name| !generation.services.contains_key(*name));
            match gone {
                // The likely reason, which the system does not know.
                Some(gone) => report.and_hint(&format!(
                    "listener `{gone}`, which this configuration removes, may still listen there: keep its name, or remove it by a reload of its own first"
                )),
                None => report,
            }
        })
    }
}
