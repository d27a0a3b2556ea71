//! Why a filter does not go live.
//!
//! In: a kind for metrics, and texts for people. Out: [`Refusal`]. [`RefusalKind`] is the only list of
//! kinds there is: its labels are those of `linemill_filter_refusals_total`.

use crate::FaultKind;
use linemill_telemetry::LabelValue;

/// Why a plugin is not taken, or a filter not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Refusal {
    /// Why, for metrics.
    pub kind: RefusalKind,
    /// What is wrong, for people.
    pub problem: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

/// Which step refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// There is no such plugin, it cannot be read, or it is not a filter of this contract.
    Plugin,
    /// The file is larger than `size`.
    Size,
    /// The file's SHA-256 is not the one that `sha256` pins.
    Sha256,
    /// It has more parts or larger functions than `limits` allows.
    Complexity,
    /// It imports something that is not granted.
    Grant,
    /// Compiling it took more time or memory than `compile` of `[host]` allows.
    Compile,
    /// It refused its settings.
    Settings,
    /// It failed while starting.
    Start(FaultKind),
    /// One of the tests in its configuration failed.
    Test,
    /// The destination of its quarantine cannot be opened.
    Quarantine,
}

impl Refusal {
    /// A refusal of this kind.
    pub fn new(kind: RefusalKind, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    /// A refusal because the file is not a filter, or cannot be read.
    pub(crate) fn plugin(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(RefusalKind::Plugin, problem, hint)
    }

    /// The same refusal, saying of which plugin.
    pub(crate) fn of(self, plugin: &str) -> Self {
        Self {
            problem: format!("plugin {plugin}: {}", self.problem),
            ..self
        }
    }
}

impl LabelValue for RefusalKind {
    const KEY: &'static str = "kind";

    fn all() -> Vec<Self> {
        let before_start = [
            Self::Plugin,
            Self::Size,
            Self::Sha256,
            Self::Complexity,
            Self::Grant,
            Self::Compile,
            Self::Settings,
            Self::Test,
            Self::Quarantine,
        ];
        // The others are faults of a line.
        let start = FaultKind::ALL.iter().filter(|fault| {
            !matches!(
                fault,
                FaultKind::Verdict
                    | FaultKind::Length
                    | FaultKind::Terminator
                    | FaultKind::Refused
                    | FaultKind::Breaker
            )
        });
        let start = start.map(|fault| Self::Start(*fault));
        before_start.into_iter().chain(start).collect()
    }

    fn label(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Size => "size",
            Self::Sha256 => "sha256",
            Self::Complexity => "complexity",
            Self::Grant => "grant",
            Self::Compile => "compile",
            Self::Settings => "settings",
            Self::Start(fault) => fault.label(),
            Self::Test => "test",
            Self::Quarantine => "quarantine",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Plugin => {
                "There is no such plugin, it cannot be read, or it is not a filter of this contract."
            }
            Self::Size => "The file is larger than `size`.",
            Self::Sha256 => "The file's SHA-256 is not the one in `sha256`.",
            Self::Complexity => {
                "The plugin has more parts or larger functions than `limits` allows."
            }
            Self::Grant => "The plugin imports something that is not granted.",
            Self::Compile => {
                "Compiling took more time or memory than `compile` of `[host]` allows."
            }
            Self::Settings => "The filter refused its settings.",
            Self::Start(fault) => fault.meaning(),
            Self::Test => "A test in the filter's configuration failed.",
            Self::Quarantine => "The destination in `quarantine` cannot be opened.",
        }
    }
}
