//! A version of a filter on trial at a stage: a canary serves some connections in the filter's
//! place, a shadow is given copies of their lines.
//!
//! In: the version on trial, and a connection's [`Cohort`]. Out: whether the connection sees it.
//! Not here: running stages (`chain`), what a shadow does with copies (`shadow`).

pub mod shadow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::filter::Filter;
use crate::filter::comparison::Comparison;
use linemill_config::settings::{By, Share, Trial as TrialSettings, TrialKind};

/// What a stage has on trial.
pub struct Trial {
    /// What it does.
    pub kind: TrialKind,
    /// How many connections see it.
    pub share: Share,
    by: By,
    /// The version on trial.
    filter: Arc<Filter>,
}

/// What decides by which versions of its filters a connection is served: always by the same, as
/// long as their shares are the same; and a share that grows takes nobody away from a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// Below the share, in hundredths of a percent: it is among it.
    connection: u32,
    address: u32,
}

impl Trial {
    /// What `settings` say, of this filter.
    pub fn new(tried: Arc<Filter>, settings: &TrialSettings) -> Self {
        Self {
            kind: settings.kind,
            share: settings.share,
            by: settings.by,
            filter: tried,
        }
    }

    /// The version on trial.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// What a shadow came to.
    pub fn comparison(&self) -> &Comparison {
        self.filter().comparison()
    }

    pub(crate) fn takes(&self, cohort: Cohort, kind: TrialKind) -> bool {
        let drawn = match self.by {
            By::Connection => cohort.connection,
            By::Address => cohort.address,
        };
        self.kind == kind && self.share.covers(drawn)
    }
}

impl Cohort {
    /// That of a stream which no trial sees.
    pub const NONE: Self = Self {
        connection: u32::MAX,
        address: u32::MAX,
    };

    /// That of a client. One without an address, on this machine, is none like any other.
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
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let hash = hash.finalize();
    let number = hash
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
    fn a_client_draws_the_same_lot_again() {
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
    fn about_the_share_is_drawn() {
        let share: Share = "5%".parse().expect("a share");
        let drawn = (1..=u16::MAX)
            .map(|port| cohort(&format!("192.0.2.1:{port}")))
            .filter(|cohort| share.covers(cohort.connection))
            .count();
        // 5 % of 65,535 is 3,277; far outside is a bug.
        assert!((3000..3600).contains(&drawn), "{drawn}");
        assert!(!Share::ALL.covers(Cohort::NONE.connection));
    }
}
