//! `/status`: what is in force, what was, and who is still on it.
//!
//! In: the history and the orders. Out: [`Status`], which is JSON for machines and what
//! `linemill status` shows. Times are RFC 3339 in UTC, durations milliseconds. No payload of any
//! stream is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::control::history::Entry;

/// The state of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Of linemill.
    pub version: String,
    /// Of the process.
    pub pid: u32,
    /// Whether it takes no more connections, and waits for the last to end.
    pub draining: bool,
    /// The generation in force.
    pub generation: u64,
    /// Other generations that connections still use.
    pub old_generations_held: usize,
    /// The listeners, by name.
    pub listeners: BTreeMap<String, ListenerStatus>,
    /// The last generations, newest first.
    pub generations: Vec<GenerationStatus>,
    /// The last reload that came to nothing.
    pub last_refusal: Option<RefusalStatus>,
}

/// A listener in service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Connections open now.
    pub connections: i64,
    /// Its filters, in order.
    pub chain: Vec<String>,
}

/// A generation that is or was in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// 1 at start, one more for each swap.
    pub number: u64,
    /// Since when.
    pub at: String,
    /// Who or what asked for it.
    pub by: String,
    /// How it differs from the one before.
    pub changes: Vec<String>,
    /// Its filters, with the SHA-256 of their plugins.
    pub filters: BTreeMap<String, String>,
    /// How long it took to read, compile, start and test it.
    pub build_ms: f64,
    /// How long it took the last connection to leave it after it was replaced; none while it is in
    /// force or in use.
    pub moved_ms: Option<f64>,
    /// Connections on it.
    pub connections: usize,
}

/// A reload that came to nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusalStatus {
    /// When.
    pub at: String,
    /// Who or what asked for it.
    pub by: String,
    /// What was wrong.
    pub error: String,
}

impl Status {
    pub(super) fn of(admin: &Admin) -> Self {
        let orders = admin.orders.borrow().clone();
        let generation = orders.generation();
        let listeners = generation.services.iter().map(|(name, service)| {
            let stages = service.chain.stages().iter();
            let status = ListenerStatus {
                connections: admin.metrics.listener(name).connections.get(),
                chain: stages
                    .map(|stage| stage.filter().name().to_owned())
                    .collect(),
            };
            (name.clone(), status)
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            draining: orders.drain_until.is_some(),
            generation: generation.number,
            old_generations_held: admin.history.old_held(),
            listeners: listeners.collect(),
            generations: admin.history.entries().iter().map(shown).collect(),
            last_refusal: admin.history.refusal().map(|refusal| RefusalStatus {
                at: format_rfc3339_millis(refusal.at).to_string(),
                by: refusal.by,
                error: refusal.error,
            }),
        }
    }
}

fn shown(entry: &Entry) -> GenerationStatus {
    let now = entry.mark.now();
    let filters = entry.filters.iter();
    GenerationStatus {
        number: entry.number,
        at: format_rfc3339_millis(entry.at).to_string(),
        by: entry.by.clone(),
        changes: entry.changes.clone(),
        filters: filters
            .map(|(name, digest)| (name.clone(), digest.to_string()))
            .collect(),
        build_ms: millis(entry.build),
        moved_ms: now.moved.map(millis),
        connections: now.connections,
    }
}

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
