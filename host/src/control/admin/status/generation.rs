//! What `/status` says about generations and refused reloads.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time;
use crate::control::history::{Entry, Refusal};

/// A generation that is or was in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerationStatus {
    /// 1 at start; each swap adds 1.
    pub number: u64,
    /// When it was put in force.
    pub at: String,
    /// What triggered it.
    pub by: String,
    /// Its differences from the generation before.
    pub changes: Vec<String>,
    /// The SHA-256 of its plugins, by the filter's name.
    pub filters: BTreeMap<String, String>,
    /// How long reading, compiling, starting and testing took.
    pub build_ms: f64,
    /// How long its last connection took to leave it after it was replaced; `null` while it is in force
    /// or in use.
    pub moved_ms: Option<f64>,
    /// Connections on it.
    pub connections: usize,
}

/// A refused reload.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalStatus {
    /// When it was refused.
    pub at: String,
    /// What triggered it.
    pub by: String,
    /// The report of what was wrong.
    pub error: String,
}

pub(super) fn generation(entry: &Entry) -> GenerationStatus {
    let now = entry.leases.now();
    let filters = entry.filters.iter();
    GenerationStatus {
        number: entry.number,
        at: time(entry.at),
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

pub(super) fn refusal(refusal: Refusal) -> RefusalStatus {
    RefusalStatus {
        at: time(refusal.at),
        by: refusal.by,
        error: refusal.error,
    }
}

/// Milliseconds, rounded down to microseconds.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
