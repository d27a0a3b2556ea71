//! What a plugin says about itself: name, version, settings, and what it needs.
//!
//! In: a plugin that exports `about`. Out: [`Description`], checked against the bounds of `wit/about.wit`
//! and asked for once per plugin; or why the plugin is refused. A plugin without `about` has none, and
//! costs nothing.
//! Not here: checking settings against the schema, and showing descriptions, which the host does.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::Plugin;
use crate::Refusal;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::imports::ImportContext;
use crate::instance::{Unstarted, wit};
use crate::limits::Bounds;
use crate::limits::room::{Cost, Room};
use crate::metrics::FilterFamilies;
use linemill_budget::Urgency;
use linemill_config::settings::{FilterSettings, OnError};

mod checks;
mod schema;

/// How many answers to `memory` are kept.
const NEEDS: usize = 64;

/// What a plugin says about itself. All texts are without control characters.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Its own name, whatever the filter is called.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does to lines, in a sentence.
    pub summary: String,
    /// Its licence, as an SPDX expression; empty if it is not stated.
    pub license: String,
    /// The JSON Schema of its settings, an object; `None` if it states none.
    pub schema: Option<Value>,
    /// What should happen to lines that fail.
    pub on_error: Option<OnError>,
    /// The grants that it needs.
    pub needs: Vec<Need>,
    /// Examples of settings, the simplest first.
    pub examples: Vec<Example>,
}

/// A grant that a plugin needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The word in `grant`.
    pub grant: String,
    /// What for.
    pub why: String,
}

/// An example of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it does.
    pub summary: String,
    /// The settings.
    pub settings: Map<String, Value>,
}

impl Plugin {
    /// What the plugin says about itself; `None` if it says nothing, or has not been asked.
    pub fn description(&self) -> Option<&Arc<Description>> {
        self.description.get()?.as_ref()
    }

    /// Asks the plugin to describe itself, within the limits of `settings`, unless it has been asked.
    ///
    /// # Errors
    /// When it fails, or its description is invalid.
    pub async fn describe(
        &self,
        engine: &Engine,
        settings: &FilterSettings,
    ) -> Result<Option<&Arc<Description>>, Refusal> {
        if self.description.get().is_none() {
            let asked = self.ask(engine, settings).await;
            let described = asked.map_err(|fault| Refusal::description(&fault))?;
            // If it was asked twice at the same time, both answers are the same.
            let _ = self.description.set(described.map(Arc::new));
        }
        Ok(self.description())
    }

    async fn ask(
        &self,
        engine: &Engine,
        settings: &FilterSettings,
    ) -> Result<Option<Description>, Fault> {
        let Some(mut instance) = self.unstarted(engine, settings).await? else {
            return Ok(None);
        };
        let answer = instance.describe(engine).await?;
        let checked = checks::checked(answer);
        checked
            .map(Some)
            .map_err(|wrong| Fault::new(FaultKind::Outcome, wrong))
    }

    /// How many bytes of memory an instance needs if no line is longer than `max_line`, as the plugin says;
    /// `None` if it does not say.
    ///
    /// # Errors
    /// When it fails.
    pub async fn ask_memory(
        &self,
        engine: &Engine,
        settings: &FilterSettings,
        max_line: usize,
    ) -> Result<Option<u64>, Refusal> {
        if let Some(known) = self.memory_need(max_line) {
            return Ok(Some(known));
        }
        let max_line = u32::try_from(max_line).unwrap_or(u32::MAX);
        let asked = async {
            let Some(mut instance) = self.unstarted(engine, settings).await? else {
                return Ok(None);
            };
            instance.memory(engine, max_line).await.map(Some)
        };
        let need = asked.await.map_err(|fault| Refusal::description(&fault))?;
        if let Some(need) = need {
            let mut needs = self.memory_needs();
            if needs.len() >= NEEDS {
                needs.clear();
            }
            needs.insert(max_line, need);
        }
        Ok(need)
    }

    /// The answer of [`Self::ask_memory`], if it has been asked.
    pub fn memory_need(&self, max_line: usize) -> Option<u64> {
        let max_line = u32::try_from(max_line).unwrap_or(u32::MAX);
        self.memory_needs().get(&max_line).copied()
    }

    fn memory_needs(&self) -> MutexGuard<'_, BTreeMap<u32, u64>> {
        let needs = self.memory_needs.lock();
        needs.unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance to ask; `None` if the plugin does not describe itself.
    async fn unstarted(
        &self,
        engine: &Engine,
        settings: &FilterSettings,
    ) -> Result<Option<Unstarted>, Fault> {
        if self.linked.about.is_none() {
            return Ok(None);
        }
        let cost = Cost::least(self.mappings);
        let room = Room::take(engine.budget(), cost, Urgency::More)
            .map_err(|no_room| Fault::new(FaultKind::Host, no_room.to_string()))?;
        // It logs nothing, and no metric counts what it does.
        let families = FilterFamilies::default();
        let store = (settings.store, engine.budget());
        let context = ImportContext::new(&settings.name, self.grants, None, &families, store);
        Unstarted::new(
            engine,
            &self.linked,
            Bounds::of(settings),
            &Arc::new(context),
            room,
        )
        .await
    }

    /// Takes over the description of the same component with other grants.
    pub(super) fn described_as(self: Arc<Self>, other: &Self) -> Arc<Self> {
        if let Some(description) = other.description.get() {
            let _ = self.description.set(description.clone());
        }
        self
    }
}

impl From<wit::OnError> for OnError {
    fn from(declared: wit::OnError) -> Self {
        match declared {
            wit::OnError::Pass => Self::Pass,
            wit::OnError::Drop => Self::Drop,
            wit::OnError::Close => Self::Close,
        }
    }
}
