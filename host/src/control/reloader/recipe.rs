//! A generation that was in force, as what it was made of, so that it can be put in force again.
//!
//! In: a generation and its settings. Out: its plugins and certificates, whatever their files hold
//! by now. It holds no instance: these end with the last connection that leaves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::decisions::Decisions;
use crate::control::certificates::Loaded;
use crate::generation::Generation;
use linemill_config::settings::{Settings, TrialKind, trial_name};
use linemill_sandbox::plugin::{Digest, Plugin};

/// What a generation was made of.
pub(in crate::control) struct Recipe {
    /// Its number.
    pub(super) number: u64,
    /// Its settings.
    pub(super) settings: Settings,
    /// What was decided and its file did not say.
    pub(super) decisions: Decisions,
    plugins: HashMap<String, Arc<Plugin>>,
    tls: HashMap<String, Loaded>,
}

/// Tells two generations apart by what they are made of.
#[derive(PartialEq)]
pub(super) struct Fingerprint {
    settings: Settings,
    plugins: BTreeMap<String, Digest>,
}

impl Recipe {
    pub(super) fn of(generation: &Generation, settings: Settings, decisions: Decisions) -> Self {
        let filters = generation.filters.iter();
        let services = generation.services.iter();
        Self {
            number: generation.number,
            settings,
            decisions,
            plugins: filters
                .map(|(name, filter)| (name.clone(), Arc::clone(filter.plugin())))
                .collect(),
            tls: services
                .map(|(name, service)| (name.clone(), Loaded::of(service)))
                .collect(),
        }
    }

    /// The same, with the plugin of the version on trial in place of that of the filter, if one is.
    pub(super) fn promoting(mut self, filter: &str) -> Self {
        for kind in [TrialKind::Canary, TrialKind::Shadow] {
            if let Some(plugin) = self.plugins.get(&trial_name(filter, kind)) {
                let plugin = Arc::clone(plugin);
                self.plugins.insert(filter.to_owned(), plugin);
            }
        }
        self
    }

    /// The plugin of a filter.
    pub(in crate::control) fn plugin(&self, filter: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(filter)
    }

    /// The certificates of a listener.
    pub(in crate::control) fn tls(&self, listener: &str) -> Option<&Loaded> {
        self.tls.get(listener)
    }
}

impl Fingerprint {
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
