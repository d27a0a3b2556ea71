//! The limits of an instance and its calls.
//!
//! In: the limits in a filter's settings. Out: [`Bounds`], and [`LimitExceeded`], the limit that an
//! instance exceeded. `meter` measures the time of a call, `room` is an instance's part of the host's
//! memory, and `starts` limits how many instances start at a time.
//! Not here: enforcing the limits of memory, tables and imports (`imports::host_state`), and what
//! happens when one is exceeded (`instance::fault`).

pub(crate) mod meter;
pub(crate) mod room;
pub(crate) mod starts;

use std::time::Duration;

use crate::fault::FaultKind;
use linemill_config::settings::{FilterSettings, Limits};

/// How many memories and how many tables a component may have. Toolchains produce a handful. The host
/// sets up each of them for every instance.
pub(crate) const PARTS: usize = 32;

/// Processor time of a filter's first `start`, unless its deadline is longer. It exceeds the usual deadline
/// because filters compile patterns there.
pub(crate) const START: Duration = Duration::from_secs(2);

/// The most random bytes per call, as `wit/random.wit` says. A filter that needs more calls again.
pub(crate) const RANDOM: u32 = 64 * 1024;

/// How many WASI resources (pollables, streams and errors) an instance may hold.
pub(crate) const RESOURCES: usize = 1000;

/// The limits of an instance and its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Linear memory of an instance, in bytes.
    pub(crate) memory: usize,
    /// Processor time of a call.
    pub(crate) deadline: Duration,
    /// The key `limits`.
    pub(crate) limits: Limits,
}

/// A limit that an instance exceeded, or would have exceeded.
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
    /// [`RANDOM`].
    #[error("it asked for more than {} random bytes at once", RANDOM)]
    Random,
    /// [`RESOURCES`].
    #[error("it holds more than {} resources of its WASI", RESOURCES)]
    Resources,
}

impl Bounds {
    /// The limits in a filter's settings.
    pub(crate) fn of(settings: &FilterSettings) -> Self {
        Self {
            memory: settings.memory,
            deadline: settings.deadline,
            limits: settings.limits,
        }
    }

    /// How many bytes longer than its input an answer may be. Always enough for one line of
    /// `max_output` bytes.
    pub(crate) fn growth(&self, max_output: usize) -> usize {
        self.limits.output.max(max_output)
    }
}

impl LimitExceeded {
    /// The kind of fault that exceeding the limit is.
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
