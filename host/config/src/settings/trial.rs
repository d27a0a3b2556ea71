//! A version of a filter on trial, next to the one in force.

use super::{FilterSettings, PluginRef, Share};
use crate::keys::keys;
use crate::keyword::Keyword;
use crate::kind::{Choice, Json, Optional, Percentage, Plugin, Sha256};
use crate::problem::place::{InnerPlaces, Place, Places};

keys! {
    /// Keys `canary` and `shadow` of a filter: another version of it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Trial: "`canary`" {
        /// The version on trial.
        plugin: PluginRef = PluginRef::Name("rot13".to_owned()), Plugin, Live, default "required";
        /// The digest that the version on trial must have.
        sha256: Option<[u8; 32]> = None, Optional(Sha256, "any"), Live, default "any";
        /// Settings for the version on trial.
        settings: Option<serde_json::Value> = None, Optional(Json, "the filter's"), Live,
            default "the filter's";
        /// Share of connections that take part.
        share: Share = Share::ALL, Percentage, Live, default "required";
        /// How connections are chosen. `"connection"`: by the client's address and port.
        /// `"address"`: by the client's address, so that all connections of one client get the same
        /// version.
        by: By = By::Connection, Choice, Live;
    }
    no key {
        /// Which of the two keys it is.
        kind: TrialKind = TrialKind::Canary;
        /// The place of the key in the file.
        place: Place = Place::default();
        /// The places of the keys of its table.
        places: Places = Places::default();
        /// The places of everything inside `settings`.
        inner_places: InnerPlaces = InnerPlaces::default();
    }
}

/// What a version on trial does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialKind {
    /// It serves its share instead of the filter.
    Canary,
    /// It receives copies of lines, and its answers are compared with the filter's.
    Shadow,
}

/// What decides whether a connection belongs to a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its client's address and port: connections of one client may differ.
    Connection,
    /// Its client's address: all connections of one client get the same version.
    Address,
}

impl Keyword for By {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("connection", Self::Connection), ("address", Self::Address)];
}

impl TrialKind {
    /// The key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

impl FilterSettings {
    /// The version on trial, as a filter of its own. Its name cannot be that of any other.
    pub fn on_trial(&self) -> Option<Self> {
        let trial = self.trial.as_ref()?;
        let mut tried = self.promoted()?;
        tried.name = trial_name(&self.name, trial.kind);
        if trial.kind == TrialKind::Shadow {
            // Its answers are discarded, so they need not be right.
            tried.test = Vec::new();
            tried.quarantine = None;
        }
        Some(tried)
    }

    /// The filter after the version on trial has replaced it.
    pub fn promoted(&self) -> Option<Self> {
        let trial = self.trial.as_ref()?;
        Some(Self {
            plugin: trial.plugin.clone(),
            sha256: trial.sha256,
            settings: trial
                .settings
                .clone()
                .unwrap_or_else(|| self.settings.clone()),
            place: trial.place.clone(),
            places: trial.places.clone(),
            inner_places: match trial.settings {
                Some(_) => trial.inner_places.clone(),
                None => self.inner_places.clone(),
            },
            trial: None,
            ..self.clone()
        })
    }
}

/// The name of the version on trial of filter `name`.
pub fn trial_name(name: &str, kind: TrialKind) -> String {
    format!("{name}@{}", kind.key())
}
