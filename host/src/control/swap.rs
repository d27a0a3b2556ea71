//! Reloads: reads the settings again and puts a new generation in place, or leaves everything.
//!
//! In: triggers. Out: new [`Orders`] for the data plane; bursts of triggers are one reload, and
//! there is one at a time. Not here: what a connection does with new orders.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::build::build;
use super::load::Plugins;
use super::origin::Origin;
use super::triggers::{Trigger, Watcher};
use crate::config::diff::{Diff, diff};
use crate::config::report::Reports;
use crate::config::settings::Settings;
use crate::generation::{Orders, Service};
use crate::telemetry::metrics::Metrics;

/// Triggers within this time of the first are one.
const BURST: Duration = Duration::from_millis(150);

/// What reloads and swaps.
pub struct Swapper {
    /// Where settings come from.
    pub origin: Origin,
    /// The settings in force.
    pub settings: Settings,
    /// Where plugins come from.
    pub plugins: Arc<Plugins>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Where new orders go.
    pub orders: watch::Sender<Orders>,
}

/// What a reload came to.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing is different from what is in force.
    Unchanged,
    /// A new generation is in force.
    Applied {
        /// Its number.
        generation: u64,
        /// How its settings differ; empty when only plugins or certificates changed.
        diff: Diff,
    },
}

impl Swapper {
    /// Reloads at every trigger, until there can be no more.
    pub async fn run(mut self, mut triggers: mpsc::Receiver<Trigger>, mut watcher: Watcher) {
        watcher.follow(&self.origin, &self.settings);
        while let Some(trigger) = triggers.recv().await {
            sleep(BURST).await;
            while triggers.try_recv().is_ok() {}
            match self.reload().await {
                Ok(Reloaded::Unchanged) => {
                    self.metrics.reloaded("unchanged");
                    tracing::debug!(%trigger, "reload: nothing changed");
                }
                Ok(Reloaded::Applied { generation, diff }) => {
                    self.metrics.reloaded("applied");
                    tracing::info!(%trigger, generation, "reload: new chains are in force");
                    for change in diff.iter() {
                        tracing::info!("reload: {change}");
                    }
                    watcher.follow(&self.origin, &self.settings);
                }
                Err(reports) => {
                    self.metrics.reloaded("refused");
                    tracing::error!(%trigger, "reload refused; everything stays as it was\n{reports}");
                }
            }
        }
    }

    /// Reads, builds and publishes.
    ///
    /// # Errors
    /// What is wrong; nothing has changed then.
    pub async fn reload(&mut self) -> Result<Reloaded, Reports> {
        let settings = self.origin.load()?;
        let diff = diff(&self.settings, &settings);
        if let Some(refusal) = diff.refusal() {
            return Err(refusal);
        }
        let before = Arc::clone(&self.orders.borrow().generation);
        let next = build(&settings, Some(&before), &self.plugins, &self.metrics).await?;
        let same = |(name, filter)| {
            before
                .filters
                .get(name)
                .is_some_and(|other| Arc::ptr_eq(filter, other))
        };
        let same_tls = |(name, service): (&String, &Arc<Service>)| {
            let other = before.services.get(name);
            other.is_some_and(|other| other.same_tls(service))
        };
        if diff.is_empty() && next.filters.iter().all(same) && next.services.iter().all(same_tls) {
            return Ok(Reloaded::Unchanged);
        }
        let generation = next.number;
        let next = Arc::new(next);
        self.orders.send_modify(|orders| orders.generation = next);
        self.metrics.in_force(generation);
        self.settings = settings;
        Ok(Reloaded::Applied { generation, diff })
    }
}
