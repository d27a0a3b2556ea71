//! A filter's settings.

use std::path::PathBuf;
use std::time::Duration;

use super::{Destination, Limits, Trial};
use crate::place::{Place, Places};

/// One `[filter.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterSettings {
    /// The table's name.
    pub name: String,
    /// Where the component is: a name to look up, or a path.
    pub plugin: PluginRef,
    /// The digest the component must have.
    pub sha256: Option<[u8; 32]>,
    /// What the filter is given at its start: always a JSON object.
    pub settings: serde_json::Value,
    /// What becomes of a line that fails.
    pub on_error: OnError,
    /// Where such a line goes; there is a place exactly when `on_error` is `quarantine`.
    pub quarantine: Option<Destination>,
    /// Linear memory of one instance, bytes.
    pub memory: usize,
    /// CPU time of one call.
    pub deadline: Duration,
    /// What else bounds it.
    pub limits: Limits,
    /// What the filter may import.
    pub grant: Vec<Grant>,
    /// Who shares an instance.
    pub isolation: Isolation,
    /// What follows when a live stream's state cannot be handed over to this filter.
    pub handover: Handover,
    /// Largest plugin file taken, bytes.
    pub size: u64,
    /// Examples that must hold before the filter goes live.
    pub tests: Vec<FilterTest>,
    /// Another version of it that is on trial.
    pub trial: Option<Trial>,
    /// Where `plugin` (or else the table) stands in the file.
    pub place: Place,
    /// Where the other keys stand.
    pub places: Places,
}

/// How a configuration names a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginRef {
    /// A bare name: looked up as `NAME.wasm` in the host's plugin folders, then among the bundled.
    Name(String),
    /// A path, resolved against the folder of the configuration file.
    Path(PathBuf),
}

/// What becomes of a line that fails or traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes on unfiltered.
    Pass,
    /// It is left out.
    Drop,
    /// The connection closes, after the output of the lines before it.
    Close,
    /// It is left out, and goes to `quarantine`.
    Quarantine,
}

/// Something a filter may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Writing to the host's log.
    Log,
    /// Reading clocks.
    Clock,
    /// Random bytes.
    Random,
    /// A WASI with nothing behind it.
    Wasi,
}

/// Who shares an instance of a filter that says it keeps no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Connections share instances of a filter that keeps no state.
    Auto,
    /// Every connection has its own, always.
    Connection,
}

/// What becomes of a stream whose state the filter that comes cannot take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// The old filter gives back what it holds, the new one begins without state.
    StartFresh,
    /// The stream goes on with the old filter, until the next swap.
    KeepOld,
}

/// One example: these lines in, those lines out.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterTest {
    /// Lines given, without terminators.
    pub input: Vec<Vec<u8>>,
    /// Lines that must come.
    pub output: Vec<Vec<u8>>,
    /// Where the example stands in the file.
    pub place: Place,
}

impl FilterSettings {
    /// A filter of which nothing is said but where its plugin is.
    pub fn new(name: &str, plugin: PluginRef) -> Self {
        Self {
            name: name.to_owned(),
            plugin,
            sha256: None,
            settings: serde_json::Value::Object(serde_json::Map::new()),
            on_error: OnError::Pass,
            quarantine: None,
            memory: 16 * 1024 * 1024,
            deadline: Duration::from_millis(50),
            limits: Limits::default(),
            grant: Vec::new(),
            isolation: Isolation::Auto,
            handover: Handover::StartFresh,
            size: 4 * 1024 * 1024,
            tests: Vec::new(),
            trial: None,
            place: Place::default(),
            places: Places::default(),
        }
    }
}
