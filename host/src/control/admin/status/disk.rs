//! What `/status` says about the files on disk, and about the last reload.

use serde::{Deserialize, Serialize};

use super::time;
use crate::control::disk;

/// Whether the files on disk are in force: the configuration, and the files that it names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskStatus {
    /// Whether they differ from what is in force.
    pub differs: bool,
    /// Since when they differ; `null` if they do not.
    pub since: Option<String>,
    /// The paths of those that differ, and decisions about trials that no file contains.
    pub what: Vec<String>,
}

/// The last reload, or the start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastReloadStatus {
    /// Whether it succeeded.
    pub successful: bool,
    /// When it ended.
    pub at: String,
    /// When the last one that succeeded ended.
    pub last_success: String,
}

pub(super) fn disk(state: &disk::State) -> (DiskStatus, LastReloadStatus) {
    let disk = DiskStatus {
        differs: state.differs_since.is_some(),
        since: state.differs_since.map(time),
        what: state.differences.iter().cloned().collect(),
    };
    let last_reload = LastReloadStatus {
        successful: state.successful,
        at: time(state.last),
        last_success: time(state.last_success),
    };
    (disk, last_reload)
}
