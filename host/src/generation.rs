//! The one thing that data plane and control plane share: what is in force now.
//!
//! In: chains and settings, put together by the control plane. Out: [`Snapshot`], which every
//! listener and connection watches and follows between two blocks of lines. The
//! control plane reaches listeners by [`DataPlane`].
//! Not here: building chains (`control`), serving connections (`connections`), the order in which
//! users move on (`publish`).

mod data_plane;
#[cfg(test)]
mod model;
mod publish;
mod service;
/// What `publish` locks and waits with; the model check replaces it.
mod runtime {
    pub(super) use std::sync::Mutex;
    pub(super) use tokio::sync::watch;
}

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub use data_plane::DataPlane;
use linemill_config::settings::{AdminName, Token};
use linemill_sandbox::filter::Filter;
pub use publish::{InForce, Lease, Leases, Usage};
pub use service::{Admission, Direction, Ingress, Service};

/// What the data plane follows: what is in force, and whether the host drains.
#[derive(Clone)]
pub struct Snapshot {
    /// The generation in force, and who uses it.
    pub in_force: InForce<Generation>,
    /// When the last connections end at the latest; `None` until the host drains.
    pub drain_until: Option<Instant>,
    /// Whether the host has been told to stop. It may still accept connections for a while.
    pub stopping: bool,
}

/// Everything that one reload puts in force at once.
pub struct Generation {
    /// 1 at start, one more with each reload.
    pub number: u64,
    /// By listener name.
    pub services: HashMap<String, Arc<Service>>,
    /// Listeners that are gone, and when their last connections end at the latest.
    pub leaving: HashMap<String, Instant>,
    /// Grace period for connections when the host stops, or when their listener is removed.
    pub drain: Duration,
    /// The token that requests to the admin address must carry; `None` admits all.
    pub admin_token: Option<Token>,
    /// The names by which requests without a token may call the admin address.
    pub admin_names: Vec<AdminName>,
    /// Whether clients of the admin address may see lines.
    pub tap: bool,
    /// How long the host accepts connections after it was told to stop.
    pub drain_delay: Duration,
    /// By name: all filters of the configuration, whether or not a chain uses them.
    pub filters: HashMap<String, Arc<Filter>>,
}

/// A certificate that a listener shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The listener.
    pub listener: &'a str,
    /// The key that names it: `tls` or `to_tls`.
    pub key: &'static str,
    /// When it expires.
    pub not_after: SystemTime,
}

impl Generation {
    /// The certificates that its listeners show, as far as they can be read.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate<'_>> {
        self.services.iter().flat_map(|(listener, service)| {
            let tls = service.tls.as_ref().and_then(|tls| tls.not_after());
            let to_tls = service.to_tls.as_ref().and_then(|tls| tls.not_after());
            let all = [("tls", tls), ("to_tls", to_tls)].into_iter();
            all.filter_map(move |(key, not_after)| {
                Some(Certificate {
                    listener,
                    key,
                    not_after: not_after?,
                })
            })
        })
    }
}

impl Snapshot {
    /// A channel whose first snapshot has `generation` in force.
    pub fn first(generation: Generation) -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self {
            in_force: InForce::new(Arc::new(generation)),
            drain_until: None,
            stopping: false,
        })
    }

    /// Puts `generation` in force. Returns the leases on the one before.
    pub fn publish(snapshot: &watch::Sender<Self>, generation: Arc<Generation>) -> Arc<Leases> {
        publish::publish(snapshot, |snapshot| &mut snapshot.in_force, generation)
    }

    /// Takes the snapshot in force and a lease on its generation, which `connection` counts as a
    /// connection's. The snapshot is marked as seen.
    pub fn subscribe(snapshot: &mut watch::Receiver<Self>, connection: bool) -> (Self, Lease) {
        publish::subscribe(snapshot, |snapshot| &snapshot.in_force, connection)
    }

    /// The generation in force.
    pub fn generation(&self) -> &Arc<Generation> {
        &self.in_force.value
    }

    /// When the connections of `listener` end at the latest; `None` while they may continue.
    pub fn drain_until(&self, listener: &str) -> Option<Instant> {
        let leaving = self.in_force.value.leaving.get(listener).copied();
        match (self.drain_until, leaving) {
            (Some(host), Some(listener)) => Some(host.min(listener)),
            (host, listener) => host.or(listener),
        }
    }
}

/// Waits until the connections of `listener` are to end, because the host drains or the listener is
/// gone, and their grace period is over.
pub(crate) async fn grace_ends(mut snapshot: watch::Receiver<Snapshot>, listener: &str) {
    let mut until = None;
    loop {
        let now = snapshot.borrow_and_update().drain_until(listener);
        until = [until, now].into_iter().flatten().min();
        let over = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return,
            changed = snapshot.changed() => if changed.is_err() {
                return;
            }
        }
    }
}
