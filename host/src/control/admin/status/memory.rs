//! What `/status` says about what the host may use: memory, memory mappings, descriptors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use linemill_budget::Usage;

/// The memory of the host, in bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryStatus {
    /// The budget; `null` if there is no limit.
    pub limit: Option<u64>,
    /// What is held, by all together.
    pub used: u64,
    /// The most that was held at one time.
    pub peak: u64,
    /// What is resident, as the system counts it.
    pub resident: u64,
    /// By what it is for.
    pub holders: BTreeMap<String, HolderStatus>,
    /// Memory mappings that instances have.
    pub mappings: u64,
    /// The most of these that there may be; `null` if there is no limit.
    pub mappings_limit: Option<u64>,
    /// Requests for mappings that were refused.
    pub mappings_refused: u64,
}

/// What some part of the memory is for.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HolderStatus {
    /// Bytes held.
    pub used: u64,
    /// Requests that were refused or had to wait.
    pub refused: u64,
}

/// The file descriptors of the process.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DescriptorStatus {
    /// How many are open; `null` where the system does not say.
    pub open: Option<u64>,
    /// The most that may be open; `null` where the system does not say, or without a limit.
    pub limit: Option<u64>,
}

pub(super) fn memory(usage: Usage) -> MemoryStatus {
    let holders = usage.holders.into_iter().map(|(holder, used, refused)| {
        let status = HolderStatus { used, refused };
        (holder.label().to_owned(), status)
    });
    MemoryStatus {
        limit: usage.limit,
        used: usage.used,
        peak: usage.peak,
        resident: usage.resident,
        holders: holders.collect(),
        mappings: usage.mappings,
        mappings_limit: usage.mappings_limit,
        mappings_refused: usage.mappings_refused,
    }
}

pub(super) fn descriptors() -> DescriptorStatus {
    let [open, limit] = linemill_telemetry::descriptors();
    DescriptorStatus { open, limit }
}
