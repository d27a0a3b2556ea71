//! Who may stay: the PROXY protocol, networks, loops, and connections per address.
//!
//! In: an accepted connection, and the service in force. Out: the same, with its client's address, or
//! nothing: then the refusal has been counted and logged, and the connection is closed.
//! Not here: `max_connections` (`listener`), client certificates (`net::tls`).

use std::sync::Arc;

use tokio::time::sleep;

use super::address_counts::{AddressCounts, AddressSlot};
use super::arrival::{Arrival, PATIENCE, last_handshake};
use super::loops::Step;
use super::metrics::RefusalReason;
use crate::generation::{Admission, Service};
use crate::net::own_sockets;
use crate::net::proxy::{ProxyError, read_header};
use crate::net::transport::Peer;
use linemill_budget::NoRoom;
use linemill_config::settings::Networks;
use linemill_sandbox::chain::Rooms;
use linemill_sandbox::trial::Cohort;

impl Arrival {
    /// Reads the header that a trusted proxy sends first, and takes the client's address from it. `None`
    /// if the connection is refused.
    pub(super) async fn behind_proxy(mut self, service: &Service) -> Option<Self> {
        let trusted = |proxies: &Networks| match self.peer.ip() {
            Some(address) => proxies.contains(address),
            // The permissions of the socket's file have let it in.
            None => true,
        };
        if !service.proxies.as_ref().is_some_and(trusted) {
            self.refuse(service, RefusalReason::NotTrusted, |not_logged| {
                tracing::warn!(not_logged, "connection refused: the peer is not in `trust`");
            });
            return None;
        }
        let drained = last_handshake(&mut self.snapshot, &self.listener);
        let read = tokio::select! {
            biased;
            read = read_header(&mut self.plain, service.handshake_timeout) => read,
            () = drained => return None,
        };
        match read {
            Ok(client) => {
                if let Some(address) = client {
                    tracing::debug!(proxy = %self.peer, client = %address, "behind a proxy");
                    self.peer = Peer::Ip(address);
                }
                Some(self)
            }
            Err(error @ ProxyError::NotBegun) => {
                let reason = RefusalReason::NoProxyHeader;
                self.metrics.refused.of(reason).inc();
                self.span().in_scope(|| tracing::debug!("{error}"));
                None
            }
            Err(error) => {
                self.refuse(service, RefusalReason::ProxyHeader, |not_logged| {
                    tracing::warn!(not_logged, "connection refused: {error}");
                });
                None
            }
        }
    }

    /// Checks the client's address against the networks of `service`.
    ///
    /// # Errors
    /// When it may not connect; this has been counted and logged.
    pub(super) fn check_address(&self, service: &Service) -> Result<(), ()> {
        let Some(reason) = service.admission.refusal(self.peer) else {
            return Ok(());
        };
        self.refuse(service, reason, |not_logged| match reason {
            RefusalReason::Denied => {
                tracing::warn!(not_logged, "connection refused: the client is in `deny`");
            }
            _ => tracing::warn!(
                not_logged,
                "connection refused: the client is not in `allow`"
            ),
        });
        Err(())
    }

    /// Notes whose lines it carries, if the client is this host itself. `Ok(None)` for any other client.
    ///
    /// # Errors
    /// When the lines would come back to a listener that they have passed; this has been counted and
    /// logged.
    pub(super) async fn check_loop(&self, service: &Service) -> Result<Option<Step>, ()> {
        let from = self.own_listeners(service).await;
        if from.is_empty() {
            return Ok(None);
        }
        self.loops.enter(&from, &self.listener).map(Some).map_err(|circle| {
            let circle = circle.join(" → ");
            self.refuse(service, RefusalReason::Loop, |not_logged| {
                tracing::warn!(not_logged, %circle, "connection refused: this host connects to itself, and its lines would come back to where they were; change `to`, `routes`, `tee` or `quarantine` of one of these listeners");
            });
        })
    }

    /// The listeners whose lines come by this connection, if this host has made it.
    async fn own_listeners(&self, service: &Service) -> Vec<Arc<str>> {
        let (peer, local) = (self.peer.socket(), self.plain.local_addr());
        let upstream = match (peer, local) {
            // Behind a proxy, the peer is not who connects.
            (Some(peer), Some(local)) if service.proxies.is_none() => {
                own_sockets::upstream_of(peer, local).await
            }
            _ => None,
        };
        let leads: Box<dyn Fn(&Service) -> bool> = match upstream {
            Some(upstream) => Box::new(move |from| from.leads_to_upstream(&upstream)),
            #[cfg(unix)]
            None if self.plain.is_of_this_process() => {
                Box::new(|from| from.leads_to_file_of(service))
            }
            None => return Vec::new(),
        };
        let snapshot = self.snapshot.borrow();
        let services = snapshot.generation().services.iter();
        services
            .filter(|(_, from)| leads(from))
            .map(|(name, _)| name.as_str().into())
            .collect()
    }

    /// Counts it as a connection of its address. `Ok(None)` for a client without one, which has no limit.
    ///
    /// # Errors
    /// When `max_per_address` are open; this has been counted and logged.
    pub(super) async fn enter(
        &self,
        service: &Service,
        addresses: &AddressCounts,
    ) -> Result<Option<AddressSlot>, ()> {
        let Some(address) = self.peer.ip() else {
            return Ok(None);
        };
        let limit = service.max_per_address.unwrap_or(usize::MAX);
        if let Some(slot) = addresses.enter(address, limit) {
            return Ok(Some(slot));
        }
        sleep(PATIENCE).await;
        if let Some(slot) = addresses.enter(address, limit) {
            return Ok(Some(slot));
        }
        self.refuse(service, RefusalReason::MaxPerAddress, |not_logged| {
            tracing::warn!(%address, limit, not_logged, "connection refused: max_per_address are open");
        });
        Err(())
    }

    /// Memory and mappings for the instances that the connection will own. If there are none, waits a
    /// moment for them.
    ///
    /// # Errors
    /// When there are none; this has been counted and logged.
    pub(super) async fn rooms(&self, service: &Service) -> Result<Rooms, ()> {
        let cohort = Cohort::of(self.peer.socket());
        if let Ok(rooms) = service.chain.reserve(cohort) {
            return Ok(rooms);
        }
        sleep(PATIENCE).await;
        service.chain.reserve(cohort).map_err(|no_room| {
            let reason = match no_room {
                NoRoom::Memory => RefusalReason::Memory,
                NoRoom::Mappings => RefusalReason::Instances,
            };
            self.refuse(service, reason, |not_logged| {
                tracing::warn!(
                    not_logged,
                    "connection refused: no room for its instances of filters: {no_room}"
                );
            });
        })
    }

    fn refuse(&self, service: &Service, reason: RefusalReason, log: impl FnOnce(u64)) {
        self.metrics.refused.of(reason).inc();
        service.complaints.refusal(reason, &self.span(), log);
    }
}

impl Admission {
    /// Why this client may not connect; `None` if it may. A client without an address is in no network.
    pub(super) fn refusal(&self, client: Peer) -> Option<RefusalReason> {
        let is_in = |networks: &Networks| {
            let address = client.ip();
            address.is_some_and(|address| networks.contains(address))
        };
        if is_in(&self.deny) {
            return Some(RefusalReason::Denied);
        }
        let is_allowed = self.allow.as_ref().is_none_or(is_in);
        (!is_allowed).then_some(RefusalReason::NotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| text.parse().expect("a network")))
    }

    #[test]
    fn deny_takes_precedence() {
        let everybody = Admission::default();
        let some = Admission {
            allow: Some(networks(&["10.0.0.0/8"])),
            deny: networks(&["10.1.0.0/16"]),
        };
        let client = |text: &str| Peer::Ip(text.parse().expect("an address"));
        for (peer, refusal) in [
            (client("10.0.0.1:5"), None),
            (client("[::ffff:10.0.0.1]:5"), None),
            (client("10.1.0.1:5"), Some(RefusalReason::Denied)),
            (client("[::ffff:10.1.0.1]:5"), Some(RefusalReason::Denied)),
            (client("192.0.2.1:5"), Some(RefusalReason::NotAllowed)),
            (client("[2001:db8::1]:5"), Some(RefusalReason::NotAllowed)),
            (Peer::Unix, Some(RefusalReason::NotAllowed)),
        ] {
            assert_eq!(some.refusal(peer), refusal, "{peer}");
            assert_eq!(everybody.refusal(peer), None, "{peer}");
        }
    }
}
