//! Fingerprints: equal for two generations, or two listeners, made of the same inputs.

use std::collections::BTreeMap;

use crate::generation::Generation;
use linemill_config::settings::{FilterSettings, ListenerSettings, Rollback, Settings};
use linemill_sandbox::Digest;
use linemill_sandbox::chain::Stage;

/// Identifies a generation by its settings and by the digests of its plugins.
#[derive(PartialEq)]
pub(super) struct Fingerprint {
    settings: Settings,
    /// By the filter's name.
    plugins: BTreeMap<String, Digest>,
}

/// Identifies what decides how the filters of one listener fare: its table, with its chains, their filters,
/// and what is tolerated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListenerFingerprint {
    listener: ListenerSettings,
    /// The filters of its chains in order, with their versions on trial.
    filters: Vec<(FilterSettings, Digest)>,
    rule: Option<Rollback>,
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

impl ListenerFingerprint {
    /// The fingerprint of the listener `name` of a generation built of `settings`; `None` if it has no such
    /// listener.
    pub(super) fn of(generation: &Generation, settings: &Settings, name: &str) -> Option<Self> {
        let mut listeners = settings.listeners.iter();
        let listener = listeners.find(|listener| listener.name == name)?;
        let service = generation.services.get(name)?;
        let filters = stages(service).map(|stage| {
            let filter = stage.filter();
            (filter.settings().clone(), filter.digest())
        });
        Some(Self {
            listener: listener.clone(),
            filters: filters.collect(),
            rule: settings.host.rollback,
        })
    }

    /// The name of the listener.
    pub(super) fn listener(&self) -> &str {
        &self.listener.name
    }
}

/// The stages of both chains of a service, each followed by the one that has its version on trial.
pub(super) fn stages(service: &crate::generation::Service) -> impl Iterator<Item = &Stage> {
    let chains = [&service.chain, &service.reply_chain];
    let stages = chains.into_iter().flat_map(|chain| chain.stages());
    stages.flat_map(|stage| [Some(stage), stage.on_trial()].into_iter().flatten())
}
