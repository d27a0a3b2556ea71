//! A generation that was in force, as what it was made of, so that it can be put in force again.
//!
//! In: a generation and its settings. Out: its plugins and certificates, whatever their files hold
//! by now. It holds no instance: these end with the last connection that leaves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::settings::Settings;
use crate::control::certificates::Loaded;
use crate::filter::plugin::{Digest, Plugin};
use crate::generation::Generation;

/// What a generation was made of.
pub(in crate::control) struct Kept {
    /// Its number.
    pub(super) number: u64,
    /// Its settings.
    pub(super) settings: Settings,
    plugins: HashMap<String, Arc<Plugin>>,
    tls: HashMap<String, Loaded>,
}

/// Tells two generations apart by what they are made of.
#[derive(PartialEq)]
pub(super) struct Likeness {
    settings: Settings,
    plugins: BTreeMap<String, Digest>,
}

impl Kept {
    pub(super) fn of(generation: &Generation, settings: Settings) -> Self {
        let filters = generation.filters.iter();
        let services = generation.services.iter();
        Self {
            number: generation.number,
            settings,
            plugins: filters
                .map(|(name, filter)| (name.clone(), Arc::clone(filter.plugin())))
                .collect(),
            tls: services
                .map(|(name, service)| (name.clone(), Loaded::of(service)))
                .collect(),
        }
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

impl Likeness {
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
