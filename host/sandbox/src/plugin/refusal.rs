//! Why a filter does not go live.
//!
//! In: a kind for metrics, and texts for people. Out: [`Refusal`]. [`RefusalKind`] is the only list of
//! kinds there is: its labels are those of `linemill_filter_refusals_total`.

use crate::FaultKind;

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

impl RefusalKind {
    /// The label in metrics.
    pub fn label(self) -> &'static str {
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
}
