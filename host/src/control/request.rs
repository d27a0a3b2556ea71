//! What the control plane is asked to do, and what came of it.
//!
//! In: nothing; plain values that go between those who ask (`triggers`, `admin`) and the one who
//! does it (`swap`).

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use linemill_config::report::Reports;

/// Something to do, and where the answer goes, if anybody waits for it.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub what: Action,
    /// Why.
    pub trigger: Trigger,
    /// Who waits.
    pub answer: Option<oneshot::Sender<Outcome>>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the configuration again.
    Reload,
    /// Put the generation before in force again.
    Rollback,
    /// Let the version on trial of this filter be the filter.
    Promote(String),
    /// End the trial of a version of this filter.
    End(String),
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The host starts.
    Start,
    /// SIGHUP.
    Hangup,
    /// This file, the configuration, a plugin or a certificate, changed.
    Changed(PathBuf),
    /// Somebody asked at the admin address.
    Asked(String),
    /// A filter failed too many lines after its swap.
    Failing(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// In a word.
    pub result: ReloadStatus,
    /// The generation in force now.
    pub generation: u64,
    /// What is different, a line each.
    pub changes: Vec<String>,
    /// Lines of the configuration that must change for it to outlive a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// What is wrong, as a report; only when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, milliseconds.
    pub took_ms: f64,
}

/// What came of a request, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadStatus {
    /// Another generation is in force.
    Applied,
    /// Nothing was different.
    Unchanged,
    /// Something is wrong; all stays as it was.
    Refused,
}

/// What a reload did.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing is different from what is in force.
    Unchanged,
    /// A new generation is in force.
    Applied {
        /// Its number.
        generation: u64,
        /// How it differs from the one before.
        changes: Vec<String>,
        /// Lines of the configuration that must change for it to outlive a restart.
        keep: Vec<String>,
    },
}

impl Request {
    /// A reload for which nobody waits.
    pub fn reload(trigger: Trigger) -> Self {
        Self {
            what: Action::Reload,
            trigger,
            answer: None,
        }
    }
}

impl Trigger {
    /// Whether the same is likely to come again at once, so that it is worth a moment's wait.
    pub fn comes_in_bursts(&self) -> bool {
        matches!(self, Self::Hangup | Self::Changed(_))
    }
}

impl Outcome {
    /// What became of `done`, while `generation` was in force.
    pub fn of(
        done: std::result::Result<&Reloaded, &Reports>,
        in_force: u64,
        took: Duration,
    ) -> Self {
        let (mut changes, mut keep, mut error) = (Vec::new(), Vec::new(), None);
        let (result, generation) = match done {
            Ok(Reloaded::Unchanged) => (ReloadStatus::Unchanged, in_force),
            Ok(Reloaded::Applied {
                generation,
                changes: made,
                keep: lines,
            }) => {
                (changes, keep) = (made.clone(), lines.clone());
                (ReloadStatus::Applied, *generation)
            }
            Err(reports) => {
                error = Some(reports.to_string());
                (ReloadStatus::Refused, in_force)
            }
        };
        Self {
            result,
            generation,
            changes,
            keep,
            error,
            took_ms: took.as_secs_f64() * 1e3,
        }
    }
}

impl ReloadStatus {
    /// As in metrics and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Hangup => f.write_str("SIGHUP"),
            Self::Changed(path) => write!(f, "{} changed", path.display()),
            Self::Asked(by) => f.write_str(by),
            Self::Failing(what) => write!(f, "rolled back: {what}"),
        }
    }
}
