//! The listeners of a host: which sockets are open, and which sinks their lines go to.
//!
//! In: validated settings, and the generation built of them. Out: running listeners. New listeners
//! are bound, and their sinks opened, before the generation is published, so that an address in use
//! refuses the whole reload. A removed listener learns from the snapshot that it must drain.
//! Not here: which changes need a restart (`linemill_config::diff`), accepting connections
//! ([`listener`]).

mod address_counts;
mod admission;
mod arrival;
mod connection_span;
mod datagram_reader;
mod datagrams;
mod gates;
pub mod listener;
pub mod metrics;
mod opening;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connections::metrics::LineMetrics;
use crate::generation::{DataPlane, Generation, Quarantines, Snapshot};
use crate::net::bind::{Socket, SystemdSockets, bind};
use crate::sinks::egress::Egress;
use crate::sinks::open;
use crate::sinks::registry::SinkRegistry;
use crate::sinks::upstream::ConnectOptions;
use linemill_config::settings::{Address, ListenerSettings, Settings};
use linemill_config::{Problem, Problems};
use linemill_telemetry::Families;
use listener::Listener;
use metrics::ListenerMetrics;

/// How long shared sinks may write their last lines after the grace period.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The listeners of a host.
pub struct Listeners {
    systemd: SystemdSockets,
    snapshot: watch::Receiver<Snapshot>,
    /// The sinks of each listener in the generation in force, by the listener's name.
    members: HashMap<String, Arc<Egress>>,
    /// The tasks of all listeners that still have connections, removed ones included.
    running: JoinSet<()>,
    sinks: SinkRegistry,
    metrics: Families<ListenerMetrics>,
    line_metrics: Families<LineMetrics>,
}

/// New listeners, bound and not yet accepting. Dropping them closes their sockets.
pub struct Prepared(Vec<Bound>);

impl Prepared {
    /// The bound address of each listener, by name.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &Address)> {
        self.0
            .iter()
            .map(|bound| (bound.name.as_str(), bound.socket.name()))
    }
}

struct Bound {
    name: String,
    socket: Socket,
    egress: Arc<Egress>,
}

impl Listeners {
    /// A host without listeners. Listeners follow `snapshot`, may use the sockets of `systemd`, and
    /// register shared sinks in `sinks`.
    pub fn new(
        systemd: SystemdSockets,
        snapshot: watch::Receiver<Snapshot>,
        sinks: SinkRegistry,
        metrics: Families<ListenerMetrics>,
        line_metrics: Families<LineMetrics>,
    ) -> Self {
        Self {
            systemd,
            snapshot,
            members: HashMap::new(),
            running: JoinSet::new(),
            sinks,
            metrics,
            line_metrics,
        }
    }

    /// The sockets that systemd handed over and no listener has taken.
    pub fn systemd(&mut self) -> &mut SystemdSockets {
        &mut self.systemd
    }

    /// Waits until all listeners have drained and shared sinks have written their lines. `until` is
    /// the end of the grace period; the snapshot must say that the host drains.
    pub async fn end(&mut self, until: Instant) {
        while self.running.join_next().await.is_some() {}
        self.sinks.finish(until + LAST_LINES).await;
    }

    fn bind(
        &mut self,
        listener: &ListenerSettings,
        generation: &Generation,
    ) -> Result<Socket, Problem> {
        bind(listener, &mut self.systemd).map_err(|report| {
            let removed = self
                .members
                .keys()
                .find(|name| !generation.services.contains_key(*name));
            match removed {
                // The system reports the address in use, but not this likely reason.
                Some(removed) => report.and_hint(&format!(
                    "listener `{removed}`, which this configuration removes, may still listen there: keep its name, or remove it by a reload of its own first"
                )),
                None => report,
            }
        })
    }
}

impl DataPlane for Listeners {
    type Prepared = Prepared;

    fn quarantines(&self) -> &dyn Quarantines {
        &self.sinks
    }

    fn prepare(&mut self, settings: &Settings, next: &Generation) -> Result<Prepared, Problems> {
        self.sinks.sweep();
        let (mut prepared, mut wrong) = (Vec::new(), Vec::new());
        for listener in &settings.listeners {
            if self.members.contains_key(&listener.name) {
                continue;
            }
            let Some(service) = next.services.get(&listener.name) else {
                continue;
            };
            let opened = open::open(listener, service, &self.sinks);
            match opened.and_then(|egress| Ok((egress, self.bind(listener, next)?))) {
                Ok((egress, socket)) => prepared.push(Bound {
                    name: listener.name.clone(),
                    socket,
                    egress: Arc::new(egress),
                }),
                Err(report) => wrong.push(report),
            }
        }
        Problems::new(wrong).map_or(Ok(Prepared(prepared)), Err)
    }

    fn leaving(&self, before: &Generation, next: &Generation) -> HashMap<String, Instant> {
        let now = Instant::now();
        let gone = |name: &String| !next.services.contains_key(name);
        let still_draining = before.leaving.iter().filter(|(_, until)| **until > now);
        let earlier = still_draining.map(|(name, until)| (name.clone(), *until));
        let names = before.services.keys();
        let removed_now = names.map(|name| (name.clone(), now + next.drain));
        earlier
            .chain(removed_now)
            .filter(|(name, _)| gone(name))
            .collect()
    }

    /// Each new listener is announced on standard error with its address.
    fn start(&mut self, prepared: Prepared) {
        let generation = Arc::clone(self.snapshot.borrow().generation());
        for bound in prepared.0 {
            let address = bound.socket.name().clone();
            let listener = Listener::new(
                &bound.name,
                bound.socket,
                Arc::clone(&bound.egress),
                self.snapshot.clone(),
                self.metrics.of(&bound.name),
                self.line_metrics.of(&bound.name),
            );
            self.running.spawn(listener.serve());
            self.members.insert(bound.name, bound.egress);
            eprintln!("listening on {address}");
        }
        self.members
            .retain(|name, _| generation.services.contains_key(name));
        for (name, egress) in &self.members {
            if let Some(service) = generation.services.get(name) {
                let options = ConnectOptions::of(service);
                for upstream in egress.upstreams() {
                    upstream.set_options(options.clone());
                }
            }
        }
        while self.running.try_join_next().is_some() {}
    }
}
