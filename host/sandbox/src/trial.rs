//! Trials: a version of a filter on trial at a stage. A canary serves some connections instead of the
//! filter; a shadow receives copies of their lines.
//!
//! In: the version on trial, and a connection's [`Cohort`]. Out: whether the connection takes part in
//! the trial.
//! Not here: running stages (`chain`), what a shadow does with copies ([`shadow`]).

pub mod shadow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::filter::Filter;
use crate::filter::comparison::Comparison;
use crate::metrics::Counts;
use linemill_config::settings::{By, Share, Trial as TrialSettings, TrialKind};

/// The trial at a stage.
pub struct Trial {
    /// Whether the version on trial is a canary or a shadow.
    pub kind: TrialKind,
    /// The share of connections that take part.
    pub share: Share,
    /// Whether connections or client addresses are drawn.
    by: By,
    /// The version on trial.
    filter: Arc<Filter>,
}

/// The numbers that decide in which trials a connection takes part. They do not change, so a
/// connection stays with a version as long as shares stay the same, and also when a share grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// The draw for trials by connection. The connection takes part if this is below the share, in
    /// hundredths of a percent.
    connection: u32,
    /// The draw for trials by client address.
    address: u32,
}

impl Trial {
    /// A trial of `filter` next to `incumbent`, as `settings` say.
    pub fn new(filter: Arc<Filter>, incumbent: &Filter, settings: &TrialSettings) -> Self {
        filter.baseline(incumbent);
        Self {
            kind: settings.kind,
            share: settings.share,
            by: settings.by,
            filter,
        }
    }

    /// The version on trial.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// What `incumbent`, the filter itself, has done since the trial began.
    pub fn incumbent(&self, incumbent: &Filter) -> Counts {
        let baseline = self.filter.baseline(incumbent);
        if baseline.started == incumbent.started {
            incumbent.counts().since(&baseline.counts)
        } else {
            // It has been replaced since.
            incumbent.counts()
        }
    }

    /// How the answers of a shadow compare to the filter's; empty for a canary.
    pub fn comparison(&self) -> &Comparison {
        self.filter().comparison()
    }

    /// Whether this is a trial of this kind and a connection of this cohort takes part.
    pub(crate) fn takes(&self, cohort: Cohort, kind: TrialKind) -> bool {
        let drawn = match self.by {
            By::Connection => cohort.connection,
            By::Address => cohort.address,
        };
        self.kind == kind && self.share.covers(drawn)
    }
}

impl Cohort {
    /// The cohort of streams that take part in no trial.
    pub const NONE: Self = Self {
        connection: u32::MAX,
        address: u32::MAX,
    };

    /// The cohort of a client. A local client without an address gets a new draw each time.
    pub fn of(peer: Option<SocketAddr>) -> Self {
        static LOCAL: AtomicU64 = AtomicU64::new(0);
        let Some(peer) = peer else {
            let number = LOCAL.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            let cohort = draw(&[&number]);
            return Self {
                connection: cohort,
                address: cohort,
            };
        };
        let address = match peer.ip().to_canonical() {
            std::net::IpAddr::V4(address) => address.octets().to_vec(),
            std::net::IpAddr::V6(address) => address.octets().to_vec(),
        };
        Self {
            connection: draw(&[&address, &peer.port().to_le_bytes()]),
            address: draw(&[&address]),
        }
    }
}

/// A number below [`Share::WHOLE`], the same for the same bytes on every machine.
fn draw(parts: &[&[u8]]) -> u32 {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let number = hasher
        .finalize()
        .iter()
        .take(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (number % u64::from(Share::WHOLE)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(address: &str) -> Cohort {
        Cohort::of(Some(address.parse().expect("an address")))
    }

    #[test]
    fn a_client_is_always_in_the_same_cohort() {
        assert_eq!(cohort("192.0.2.1:5"), cohort("192.0.2.1:5"));
        assert_eq!(cohort("192.0.2.1:5"), cohort("[::ffff:192.0.2.1]:5"));
        assert_eq!(cohort("192.0.2.1:5").address, cohort("192.0.2.1:6").address);
        assert_ne!(
            cohort("192.0.2.1:5").connection,
            cohort("192.0.2.1:6").connection
        );
        assert_ne!(Cohort::of(None), Cohort::of(None));
    }

    #[test]
    fn the_number_of_drawn_connections_matches_the_share() {
        let share: Share = "5%".parse().expect("a share");
        let drawn = (1..=u16::MAX)
            .map(|port| cohort(&format!("192.0.2.1:{port}")))
            .filter(|cohort| share.covers(cohort.connection))
            .count();
        // 5 % of 65,535 is 3,277.
        assert!((3000..3600).contains(&drawn), "{drawn}");
        assert!(!Share::ALL.covers(Cohort::NONE.connection));
    }
}
