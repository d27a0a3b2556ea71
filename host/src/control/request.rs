//! Requests to the control plane, and their outcomes.
//!
//! Plain values that pass from those who ask (`triggers`, `watcher`, `admin`) to the one that acts
//! (`reloader`), and back. Not here: what an action does.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use linemill_config::{ProblemReport, Problems};

/// One action for the reloader, and where to send its outcome.
#[derive(Debug)]
pub struct Request {
    /// The action to perform.
    pub action: Action,
    /// Why it is requested; shown in the log and in the history.
    pub trigger: Trigger,
    /// Receives the outcome; `None` when the requester does not wait for it.
    pub answer: Option<oneshot::Sender<Outcome>>,
}

/// What the reloader can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the configuration again and put it in force.
    Reload,
    /// The same, even if this configuration has been rolled back because a filter failed.
    ForcedReload,
    /// Put the previous generation in force again.
    Rollback,
    /// Replace the filter of this name by its version on trial.
    Promote(String),
    /// End the trial of the filter of this name; the filter stays as it is.
    EndTrial(String),
}

/// Why an action is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The host starts.
    Start,
    /// SIGHUP.
    Hangup,
    /// This file changed: the configuration, a plugin or a certificate.
    Changed(PathBuf),
    /// A reload that this requested failed because the host lacked something at that time.
    Again(String),
    /// A request at the admin address, described as `POST /PATH by USER-AGENT`.
    Admin(String),
    /// A filter failed too many lines after the swap that brought it; the text says which.
    Failing(String),
}

/// The outcome of an action, as the admin address answers it in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether anything changed.
    pub result: ReloadStatus,
    /// The generation in force afterwards.
    pub generation: u64,
    /// The differences from the generation before, one entry each.
    pub changes: Vec<String>,
    /// The edits to the configuration that make the outcome survive a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// The report of what is wrong; only when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same in parts; only when refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemReport>,
    /// How long the action took, in milliseconds.
    pub took_ms: f64,
    /// Whether the action was impossible; it is no refused reload then.
    #[serde(skip)]
    pub impossible: bool,
}

linemill_telemetry::label_values! {
    /// Whether an action changed what is in force.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum ReloadStatus as "result" {
        /// A new generation is in force.
        Applied = "applied",
        /// There was no difference; the generation stays in force.
        Unchanged = "unchanged",
        /// There was an error; the generation stays in force.
        Refused = "refused",
    }
}

/// What an action that succeeded did.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing differs from what is in force.
    Unchanged,
    /// A new generation is in force.
    Applied {
        /// Its number.
        generation: u64,
        /// The differences from the generation before.
        changes: Vec<String>,
        /// The edits to the configuration that make this survive a restart.
        keep: Vec<String>,
    },
}

impl Request {
    /// A reload without a requester that waits.
    pub fn reload(trigger: Trigger) -> Self {
        Self {
            action: Action::Reload,
            trigger,
            answer: None,
        }
    }
}

impl Trigger {
    /// Whether nobody asked for this now: it may be put off.
    pub fn is_automatic(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Again(_))
    }

    /// What requested this first.
    pub fn first(&self) -> String {
        match self {
            Self::Again(first) => first.clone(),
            trigger => trigger.to_string(),
        }
    }

    /// Whether more of the same is likely within moments, so that waiting for it saves reloads.
    pub fn comes_in_bursts(&self) -> bool {
        matches!(self, Self::Hangup | Self::Changed(_))
    }
}

impl Outcome {
    /// The outcome of an action that asks for what cannot be.
    pub fn impossible(report: &Problems, in_force: u64) -> Self {
        Self {
            impossible: true,
            ..Self::of(Err(report), in_force, Duration::ZERO)
        }
    }

    /// The outcome of an action that took `took`. `in_force` is the generation in force afterwards.
    pub fn of(done: Result<&Reloaded, &Problems>, in_force: u64, took: Duration) -> Self {
        let mut outcome = Self {
            result: ReloadStatus::Unchanged,
            generation: in_force,
            changes: Vec::new(),
            keep: Vec::new(),
            error: None,
            problems: Vec::new(),
            took_ms: took.as_secs_f64() * 1e3,
            impossible: false,
        };
        match done {
            Ok(Reloaded::Unchanged) => {}
            Ok(Reloaded::Applied {
                generation,
                changes,
                keep,
            }) => {
                outcome.result = ReloadStatus::Applied;
                outcome.generation = *generation;
                outcome.changes.clone_from(changes);
                outcome.keep.clone_from(keep);
            }
            Err(reports) => {
                outcome.result = ReloadStatus::Refused;
                outcome.error = Some(reports.to_string());
                outcome.problems = reports.reports();
            }
        }
        outcome
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Hangup => f.write_str("SIGHUP"),
            Self::Changed(path) => write!(f, "{} changed", path.display()),
            Self::Again(first) => write!(f, "{first}, tried again"),
            Self::Admin(request) => f.write_str(request),
            Self::Failing(reason) => write!(f, "rolled back: {reason}"),
        }
    }
}
