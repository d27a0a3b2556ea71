//! What one instance may use, and what it tried to use.
//!
//! In: limits of a filter's configuration. Out: [`HostState`], the data of every store, which
//! wasmtime asks before memory or tables grow, and imports at every call; [`LimitExceeded`], the limit that
//! was in the way.
//! Not here: time (`meter`), what a refusal leads to (`instance`).

pub(crate) mod meter;

use std::time::Duration;

use crate::fault::FaultKind;
use linemill_config::settings::{FilterSettings, Limits};

/// Core instances, memories and tables a component may be made of. What a toolchain makes has a
/// handful; each is something that the host sets up for every instance.
pub(crate) const PARTS: usize = 32;

/// Most random bytes of one call, as `wit/random.wit` says. A filter that needs more calls again.
pub(crate) const RANDOM: u32 = 64 * 1024;

/// Pollables, streams and errors that one instance may hold.
pub(crate) const RESOURCES: usize = 1000;

/// What bounds an instance and its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Linear memory, bytes.
    pub(crate) memory: usize,
    /// Processor time of a call.
    pub(crate) deadline: Duration,
    pub(crate) limits: Limits,
}

/// A limit that an instance was refused to go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitExceeded {
    /// `memory`.
    #[error("it asked for more memory than `memory` allows")]
    Memory,
    /// `limits.tables`.
    #[error("it asked for more table elements than `limits.tables` allows")]
    Table,
    /// `limits.imports`.
    #[error("it called imports more often in one call than `limits.imports` allows")]
    Imports,
    /// `limits.output`.
    #[error("its answer is longer than its input by more than `limits.output` allows")]
    Output,
    /// `limits.host_memory`.
    #[error("it handed the host more at once than `limits.host_memory` allows")]
    HostMemory,
    /// Bytes of one call of `random`.
    #[error("it asked for more than {} random bytes at once", RANDOM)]
    Random,
    /// What its WASI holds.
    #[error("it holds more than {} resources of its WASI", RESOURCES)]
    Resources,
}

impl Bounds {
    /// Those of a filter.
    pub(crate) fn of(settings: &FilterSettings) -> Self {
        Self {
            memory: settings.memory,
            deadline: settings.deadline,
            limits: settings.limits,
        }
    }

    /// How many bytes longer than its input an answer may be, when a line of it may have
    /// `max_output`.
    pub(crate) fn growth(&self, max_output: usize) -> usize {
        self.limits.output.max(max_output)
    }
}

impl LimitExceeded {
    /// The kind of the fault that it leads to.
    pub(crate) fn kind(self) -> FaultKind {
        match self {
            Self::Memory => FaultKind::Memory,
            Self::Table => FaultKind::Table,
            Self::Imports => FaultKind::Imports,
            Self::Output => FaultKind::Output,
            Self::HostMemory => FaultKind::HostMemory,
            Self::Random => FaultKind::Random,
            Self::Resources => FaultKind::Resources,
        }
    }
}
