//! The recipe of a generation: what it was built of, so that it can be built again.
//!
//! In: a generation and its settings. Out: its plugins and certificates as they were, independent of
//! what their files contain now. A recipe holds no instances; these end with the last connection on
//! the generation.

use std::collections::HashMap;
use std::sync::Arc;

use super::decisions::Decisions;
use crate::control::certificates::ListenerTls;
use crate::control::watcher::Known;
use crate::generation::Generation;
use linemill_config::settings::{Settings, TrialKind, trial_name};
use linemill_sandbox::plugin::Plugin;

/// What a generation was built of.
pub(in crate::control) struct Recipe {
    /// The number of the generation.
    pub(super) number: u64,
    /// Its settings, with the decisions applied.
    pub(super) settings: Settings,
    /// The decisions about trials that its configuration file did not contain.
    pub(super) decisions: Decisions,
    /// The files that it was built of.
    pub(super) inputs: Known,
    /// By the filter's name; versions on trial have names of their own.
    plugins: HashMap<String, Arc<Plugin>>,
    /// By the listener's name.
    tls: HashMap<String, ListenerTls>,
}

impl Recipe {
    /// The recipe of `generation`, which was built of `settings`.
    pub(super) fn of(
        generation: &Generation,
        settings: Settings,
        decisions: Decisions,
        inputs: Known,
    ) -> Self {
        let filters = generation.filters.iter();
        let services = generation.services.iter();
        Self {
            number: generation.number,
            settings,
            decisions,
            inputs,
            plugins: filters
                .map(|(name, filter)| (name.clone(), Arc::clone(filter.plugin())))
                .collect(),
            tls: services
                .map(|(name, service)| (name.clone(), ListenerTls::of(service)))
                .collect(),
        }
    }

    /// The same recipe, with the plugin on trial as the plugin of `filter`.
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
    pub(in crate::control) fn tls(&self, listener: &str) -> Option<&ListenerTls> {
        self.tls.get(listener)
    }
}
