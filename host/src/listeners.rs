//! The listeners of a host: which sockets are open, and who accepts on them.
//!
//! In: validated settings, and the generation built of them. Out: running listeners. New sockets are
//! bound before the generation is published, so that an address in use refuses the whole reload, and
//! before an old socket closes. A removed listener learns from the snapshot that it must drain.
//! Not here: which changes need a restart (`linemill_config::diff`), accepting connections
//! ([`listener`]), which socket a listener gets (`sockets`).

mod address_counts;
mod admission;
mod arrival;
pub(crate) mod connection_span;
mod datagram_reader;
mod datagrams;
pub mod listener;
mod loops;
pub mod metrics;
mod opening;
mod seats;
mod sockets;
pub mod view;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connections::metrics::LineMetrics;
use crate::connections::tally::Tally;
use crate::generation::{DataPlane, Generation, Snapshot};
use crate::log::announce;
use crate::net::bind::{Access, BindRequest, BindSettings, Socket, SystemdSockets};
use linemill_config::settings::{Address, Settings};
use linemill_config::{Problem, Problems};
use linemill_telemetry::Families;
use listener::Listener;
use loops::Loops;
use metrics::ListenerMetrics;
use sockets::Bound;
use view::{ListenerView, RunningListeners};

/// The listeners of a host.
pub struct Listeners {
    systemd: SystemdSockets,
    snapshot: watch::Receiver<Snapshot>,
    /// The listeners of the generation in force, by name.
    members: Members,
    /// What they send to each other.
    loops: Loops,
    /// The tasks of all listeners that still have connections, removed ones included.
    running: JoinSet<Tally>,
    metrics: Families<ListenerMetrics>,
    line_metrics: Families<LineMetrics>,
    /// All listeners that run, for those who show them.
    views: RunningListeners,
}

/// The listeners of the generation in force, by name.
type Members = HashMap<String, Member>;

/// Hands a listener other sockets.
type Sockets = mpsc::UnboundedSender<Arc<Socket>>;

/// A running listener.
struct Member {
    /// What it accepts on.
    socket: Weak<Socket>,
    /// The settings of `socket`.
    bound: BindSettings,
    /// Hands it another socket.
    sockets: Sockets,
    /// What others see of it.
    view: Weak<ListenerView>,
}

/// Sockets for new listeners, and for those whose address has changed. Dropping them closes those that
/// no listener uses.
pub struct Prepared(Vec<Bound>);

impl Prepared {
    /// The bound address of each listener, by name.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &Address)> {
        self.0
            .iter()
            .map(|bound| (bound.name.as_str(), bound.socket.name()))
    }
}

impl Listeners {
    /// A host without listeners. Listeners follow `snapshot`, and may use the sockets of `systemd`.
    pub fn new(
        systemd: SystemdSockets,
        snapshot: watch::Receiver<Snapshot>,
        metrics: Families<ListenerMetrics>,
        line_metrics: Families<LineMetrics>,
    ) -> Self {
        Self {
            systemd,
            snapshot,
            members: HashMap::new(),
            loops: Loops::default(),
            running: JoinSet::new(),
            metrics,
            line_metrics,
            views: RunningListeners::default(),
        }
    }

    /// All listeners that run, those included that a later reload starts or removes.
    pub fn views(&self) -> RunningListeners {
        self.views.clone()
    }

    /// The sockets that systemd handed over and no listener has taken.
    pub fn systemd(&self) -> &SystemdSockets {
        &self.systemd
    }

    /// Waits until all listeners have drained. The snapshot must say that the host drains. Returns
    /// how many lines were delivered and dropped meanwhile.
    pub async fn end(&mut self) -> Tally {
        let mut tally = Tally::default();
        while let Some(ended) = self.running.join_next().await {
            tally.add(&ended.unwrap_or_default());
        }
        tally
    }

    /// Starts a listener on `socket`.
    fn spawn(&mut self, name: &str, socket: Arc<Socket>) -> (Sockets, Weak<ListenerView>) {
        let (sender, sockets) = mpsc::unbounded_channel();
        let (metrics, lines) = (self.metrics.of(name), self.line_metrics.of(name));
        let view = self.views.add(name, metrics, lines);
        let seen = Arc::downgrade(&view);
        let listener = Listener::new(
            name,
            socket,
            sockets,
            self.snapshot.clone(),
            view,
            self.loops.clone(),
        );
        self.running.spawn(listener.serve());
        (sender, seen)
    }
}

impl DataPlane for Listeners {
    type Prepared = Prepared;

    fn prepare(&mut self, settings: &Settings, next: &Generation) -> Result<Prepared, Problems> {
        let (mut prepared, mut wrong) = (Vec::new(), Vec::new());
        for listener in &settings.listeners {
            if !next.services.contains_key(&listener.name) {
                continue;
            }
            match sockets::socket_for(listener, settings, &self.members, &mut self.systemd) {
                Ok(bound) => prepared.extend(bound),
                Err(report) => wrong.push(report),
            }
        }
        Problems::new(wrong).map_or(Ok(Prepared(prepared)), Err)
    }

    fn bind(&mut self, request: BindRequest<'_>) -> Result<Socket, Problem> {
        request.bind(&mut self.systemd)
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

    /// Each new address is announced on standard error.
    fn start(&mut self, prepared: Prepared) {
        let generation = Arc::clone(self.snapshot.borrow().generation());
        for bound in prepared.0 {
            let Bound {
                name,
                socket,
                settings,
                is_new,
            } = bound;
            // How a socket of systemd is shared, its unit says.
            if !matches!(settings.address, Address::Systemd(_)) {
                socket.share_port(settings.reuse_port);
                socket.set_access(Access::of(settings.mode));
            }
            let address = socket.name().clone();
            let accepts_on = Arc::downgrade(&socket);
            let (sockets, view) = match self.members.remove(&name) {
                Some(member) if member.socket.ptr_eq(&accepts_on) => (member.sockets, member.view),
                Some(member) => match member.sockets.send(Arc::clone(&socket)) {
                    Ok(()) => (member.sockets, member.view),
                    // It has ended.
                    Err(_) => self.spawn(&name, socket),
                },
                None => self.spawn(&name, socket),
            };
            if let Some(view) = view.upgrade() {
                view.set_address(&address);
            }
            let member = Member {
                socket: accepts_on,
                bound: settings,
                sockets,
                view,
            };
            self.members.insert(name, member);
            if is_new {
                announce(format_args!("listening on {address}"));
            }
        }
        self.members
            .retain(|name, _| generation.services.contains_key(name));
        while self.running.try_join_next().is_some() {}
    }
}
