//! The fingerprint of a generation: equal for two generations made of the same inputs.

use std::collections::BTreeMap;

use crate::generation::Generation;
use linemill_config::settings::Settings;
use linemill_sandbox::Digest;

/// Identifies a generation by its settings and by the digests of its plugins.
#[derive(PartialEq)]
pub(super) struct Fingerprint {
    settings: Settings,
    /// By the filter's name.
    plugins: BTreeMap<String, Digest>,
}

impl Fingerprint {
    /// The fingerprint of a generation built of `settings`.
    pub(super) fn of(generation: &Generation, settings: Settings) -> Self {
        let filters = generation.filters.iter();
        Self {
            settings,
            plugins: filters
                .map(|(name, filter)| (name.clone(), filter.digest()))
                .collect(),
        }
    }
}
