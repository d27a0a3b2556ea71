//! `/status`: what is and was in force, what flows, and what is wrong.
//!
//! In: the history, the snapshot, and what listeners, outputs and filters count. Out: [`Status`], which
//! is served as JSON and which `linemill status` prints ([`text`]). `docs/status.md` describes every
//! field. Times are RFC 3339 in UTC. It contains no payload of any stream; `/trials` does.

mod certificate;
mod disk;
mod filter;
mod generation;
mod listener;
mod memory;
mod output;
pub mod text;

use std::collections::BTreeMap;
use std::time::SystemTime;

use humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};

use super::{Admin, readiness};
use crate::version::{REVISION, VERSION};
pub use certificate::CertificateStatus;
pub use disk::{DiskStatus, LastReloadStatus};
pub(super) use filter::trials;
pub use filter::{BreakerStatus, ExampleStatus, FilterStatus, TrialStatus, WorkStatus};
pub use generation::{GenerationStatus, RefusalStatus};
pub use listener::{
    ByteCounts, LeavingStatus, LineCounts, ListenerStatus, OwnUpstreamStatus, RateStatus,
    ReplyCounts,
};
pub use memory::{DescriptorStatus, HolderStatus, MemoryStatus};
pub use output::{OutputStatus, UpstreamStatus};

/// The format of `/status`. It changes when a field goes or means something else; fields are added without
/// a change.
pub const FORMAT: u32 = 1;

/// The state of a host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The format of this document.
    pub format: u32,
    /// The version of linemill.
    pub version: String,
    /// The commit that it was built from; `unknown` if the build did not say.
    pub revision: String,
    /// The process ID.
    pub pid: u32,
    /// The configuration file; `null` without one.
    pub config: Option<String>,
    /// When the host began to serve.
    pub started: String,
    /// How long that is, in seconds.
    pub uptime_seconds: f64,
    /// Whether the host has been told to stop.
    pub draining: bool,
    /// Whether `/readyz` says that the host is ready.
    pub ready: bool,
    /// Why it is not ready; empty if it is.
    pub not_ready: Vec<String>,
    /// The number of the generation in force.
    pub generation: u64,
    /// Since when it is in force.
    pub generation_since: String,
    /// The number of replaced generations that connections still use.
    pub old_generations_held: usize,
    /// The listeners, by name.
    pub listeners: BTreeMap<String, ListenerStatus>,
    /// Listeners that a reload has removed, and that still have connections.
    pub leaving: Vec<LeavingStatus>,
    /// The sinks that connections share, by destination.
    pub outputs: BTreeMap<String, OutputStatus>,
    /// The filters in force, by name.
    pub filters: BTreeMap<String, FilterStatus>,
    /// The versions of filters on trial.
    pub trials: Vec<TrialStatus>,
    /// The memory of the host.
    pub memory: MemoryStatus,
    /// The file descriptors of the process.
    pub descriptors: DescriptorStatus,
    /// The certificates that listeners show, those that expire first before the others.
    pub certificates: Vec<CertificateStatus>,
    /// The last generations, newest first.
    pub generations: Vec<GenerationStatus>,
    /// Whether the files on disk are in force.
    pub disk: DiskStatus,
    /// The last reload, or the start.
    pub last_reload: LastReloadStatus,
    /// The last refused reload; `null` if none was refused.
    pub last_refusal: Option<RefusalStatus>,
}

impl Status {
    pub(super) fn of(admin: &Admin) -> Self {
        let snapshot = admin.snapshot.borrow().clone();
        let in_force = snapshot.generation();
        let (disk, last_reload) = disk::disk(&admin.disk.state());
        let views = admin.listeners.all();
        let not_ready = readiness::not_ready(&snapshot);
        let generations: Vec<_> = admin.history.entries();
        let config = admin.origin.config.as_ref();
        Self {
            format: FORMAT,
            version: VERSION.to_owned(),
            revision: REVISION.to_owned(),
            pid: std::process::id(),
            config: config.map(|path| path.display().to_string()),
            started: time(admin.started.0),
            uptime_seconds: (admin.started.1.elapsed().as_secs_f64() * 1e3).round() / 1e3,
            draining: snapshot.stopping,
            ready: not_ready.is_empty(),
            not_ready,
            generation: in_force.number,
            generation_since: generations
                .first()
                .map_or_else(String::new, |newest| time(newest.at)),
            old_generations_held: admin.history.old_held(),
            listeners: listener::listeners(admin, in_force, &views),
            leaving: listener::leaving(in_force, &views),
            outputs: (admin.outputs)().into_iter().map(output::output).collect(),
            filters: filter::filters(admin, in_force),
            trials: trials(in_force, false),
            memory: memory::memory(admin.budget.usage()),
            descriptors: memory::descriptors(),
            certificates: certificate::certificates(in_force),
            generations: generations.iter().map(generation::generation).collect(),
            disk,
            last_reload,
            last_refusal: admin.history.refusal().map(generation::refusal),
        }
    }
}

/// A time, as `/status` shows it.
fn time(time: SystemTime) -> String {
    format_rfc3339_millis(time).to_string()
}
