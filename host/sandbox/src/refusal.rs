//! Refusals: the reasons why a filter does not go live.
//!
//! In: a kind for metrics, and a text for people; or the fault of a first instance. Out: [`Refusal`].
//! [`RefusalKind`] is the only list of kinds; its labels are those of `linemill_filter_refusals_total`.
//! Not here: counting and reporting refusals, which the host does.

use crate::FaultKind;
use crate::fault::Fault;
use crate::plugin::shortage;
use linemill_config::Problem;
use linemill_telemetry::{Indexed, LabelValue};

/// Why a plugin was not accepted, or a filter did not start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", problem.what())]
pub struct Refusal {
    /// The kind, for metrics.
    pub kind: RefusalKind,
    /// The problem, for people. It has no place: which file names the plugin is not known here.
    pub problem: Problem,
}

/// The check or step that refused the plugin or the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// There is no such plugin, it cannot be read or compiled, or it is not a filter of this contract.
    Plugin,
    /// The file is larger than `size`.
    Size,
    /// The file's SHA-256 is not the one that `sha256` pins.
    Sha256,
    /// The plugin has more parts or larger functions than `limits` allows.
    Complexity,
    /// The plugin imports something that is not granted.
    Grant,
    /// Compiling took more time or memory than `compile` of `[host]` allows.
    Compile,
    /// The filter refused its settings.
    Settings,
    /// The first instance failed while starting, with this fault.
    Start(FaultKind),
    /// A test in the filter's configuration failed.
    Test,
    /// The destination in `quarantine` cannot be opened.
    Quarantine,
}

impl Refusal {
    /// Creates a refusal. `hint` says what to do about the problem and may be empty.
    pub fn new(kind: RefusalKind, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            problem: Problem::new(problem, hint),
        }
    }

    /// A refusal of kind [`RefusalKind::Plugin`].
    pub(crate) fn plugin(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(RefusalKind::Plugin, problem, hint)
    }

    /// The refusal of a filter whose first instance did not start.
    pub(crate) fn start(fault: &Fault) -> Self {
        Self::fault(fault, "it fails at its start")
    }

    /// The refusal of a plugin that exports `about`, but did not describe itself.
    pub(crate) fn description(fault: &Fault) -> Self {
        Self::fault(fault, "it does not describe itself")
    }

    /// `what` failed because of `fault`.
    fn fault(fault: &Fault, what: &str) -> Self {
        let reason = &fault.reason;
        let shortage = shortage::hint();
        let hint = match fault.kind {
            _ if reason.starts_with(shortage::REASON) => &shortage,
            FaultKind::Refused => {
                return Self::new(
                    RefusalKind::Settings,
                    format!("it refuses its settings: {reason}"),
                    "`linemill help PLUGIN` shows the settings it takes, if it describes itself",
                );
            }
            FaultKind::Memory => "raise `memory`",
            FaultKind::Deadline => "raise `deadline`",
            FaultKind::Table | FaultKind::Imports | FaultKind::Output | FaultKind::HostMemory => {
                "raise that limit if the plugin is meant to need more"
            }
            // Too little of it for a single instance.
            FaultKind::Host if shortage::address_space().is_some() => &shortage,
            FaultKind::Host => {
                "the host lacks memory or another resource: see `memory` of `[host]`, and the limits of the process and the machine"
            }
            FaultKind::Parts if reason.contains("instance") => {
                "if the plugin is meant to consist of so many, raise `limits.core_instances`"
            }
            _ => "this is a fault of the plugin: report it to its author",
        };
        let problem = format!("{what} ({}): {reason}", fault.kind);
        let is_passing = reason.starts_with(shortage::REASON)
            || matches!(fault.kind, FaultKind::Host | FaultKind::HostMemory);
        Self::new(RefusalKind::Start(fault.kind), problem, hint).passing_if(is_passing)
    }

    /// The same refusal; if `passing`, only because the system lacks something at the moment.
    pub(crate) fn passing_if(self, passing: bool) -> Self {
        Self {
            problem: self.problem.passing_if(passing),
            ..self
        }
    }

    /// Prefixes the problem with the plugin's name.
    pub(crate) fn of(self, plugin: &str) -> Self {
        Self {
            problem: self.problem.of(format_args!("plugin {plugin}")),
            ..self
        }
    }
}

impl Indexed for RefusalKind {
    fn index(self) -> usize {
        let all = Self::all();
        // A fault that cannot happen at the start would count as `plugin`.
        let place = all.iter().position(|kind| *kind == self);
        place.unwrap_or_default()
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
        // The other faults concern a line, so they cannot happen at the start.
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
                "There is no such plugin, it cannot be read or compiled, or it is not a filter of this \
                 contract."
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
