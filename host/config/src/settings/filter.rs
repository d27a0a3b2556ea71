//! A filter's settings.

use std::time::Duration;

use super::{Destination, Limits, Mode, PluginRef, Retire, StoreLimits, Trial};
use crate::keys::keys;
use crate::keyword::Keyword;
use crate::kind::{
    Choice, Choices, Examples, FileMode, Json, Nested, Optional, Plugin, QuarantineDestination,
    Sha256, Size, Time,
};
use crate::problem::place::{InnerPlaces, Place, Places};
use crate::shape::Shape;

/// Least memory: one page of WebAssembly.
const PAGE: u64 = 64 << 10;

keys! {
    /// One `[filter.NAME]`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FilterSettings: "`[filter.NAME]`" {
        /// A name is looked up in the host's `plugins` folders, then among the bundled plugins. A
        /// value that contains `/` or ends in `.wasm` is a path.
        plugin: PluginRef = PluginRef::Name("rot13".to_owned()), Plugin, Live, default "`NAME`",
            sample "a name to look up, or a path to a .wasm file";
        /// What happens to a line that the filter fails, or that causes a trap, a missed deadline,
        /// exceeded memory or an invalid answer. `"pass"`: it continues unfiltered. `"drop"`: it is
        /// dropped. `"close"`: the connection closes after the lines before it. `"quarantine"`: it
        /// is dropped and sent to `quarantine`. After a fault, the other lines of the call are
        /// processed again without it. A line that the host itself cannot filter never passes; see
        /// [below](#when-the-host-cannot-filter-a-line).
        on_error: Option<OnError> = None, Optional(Choice, "the filter's default"), Live,
            default "see [below](#the-default-of-on_error)",
            sample "a failed line; or \"close\" the connection, or \"pass\" it unfiltered",
            example "\"drop\"";
        // Present exactly when `on_error` is `quarantine`.
        /// Where failed lines go; see [Quarantine](#quarantine). Refused with any other `on_error`.
        quarantine: Option<Destination> = None,
            Optional(QuarantineDestination, "none"), Live,
            default "required with `on_error = \"quarantine\"`",
            sample "where failed lines go, with on_error = \"quarantine\"",
            example "\"file:failed.jsonl\"";
        /// Mode of the file that `quarantine` creates, whatever the umask. A file that exists keeps
        /// its mode.
        file_mode: Mode = Mode::PRIVATE, FileMode, Live,
            sample "of the file that quarantine creates", example "\"0640\"";
        /// Maximum linear memory of one instance (all its memories together). A request for more is
        /// denied; most filters then trap.
        memory: usize = 16 << 20, Size(PAGE, 4 << 30), Live,
            sample "linear memory of one instance";
        /// Maximum processor time of one call. A call carries many lines. A longer call is
        /// interrupted. The start of a filter may take two seconds, or `deadline` if that is
        /// longer.
        deadline: Duration = Duration::from_millis(50),
            Time(Duration::from_millis(1), Duration::from_secs(60)), Live,
            sample "processor time of one call";
        /// Further limits.
        limits: Limits = Limits::default(),
            Nested::new("write limits = { imports = 200000, output = \"2MiB\" }, or a table [filter.NAME.limits]"),
            Live, default "see [below](#limits)";
        /// Limits of the store that all instances of the filter share, with `grant = ["store"]`.
        store: StoreLimits = StoreLimits::default(),
            Nested::new("write store = { keys = 10000, bytes = \"1MiB\" }, or a table [filter.NAME.store]"),
            Live, default "see [below](#the-store-of-a-filter)";
        /// When an instance gives way to a new one, between two batches; see [below](#retire).
        retire: Option<Retire> = None, Optional(
                Nested::new("write retire = { calls = 10000, memory = \"80%\" }"), "never"), Live,
            default "never",
            sample "an instance gives way to a new one", example "{ calls = 10000, memory = \"80%\" }";
        /// `"auto"`: connections share the instances of a filter that declares that it keeps no
        /// state. `"connection"`: each connection always has its own instance. A filter that keeps
        /// state has one instance per connection in either case. See [Limits and
        /// isolation](#limits-and-isolation).
        isolation: Isolation = Isolation::Auto, Choice, Live,
            sample "or \"connection\": one instance per connection, always";
        /// What a live connection does when a swap changes this filter (its version or settings),
        /// and the new one cannot take over the old one's state. `"start-fresh"`: the old filter
        /// returns the lines it holds back, and the new one begins without state. `"keep-old"`: the
        /// connection keeps the old filter, and the next swap tries again. See
        /// [swap.md](swap.md#what-filters-remember).
        handover: Handover = Handover::StartFresh, Choice, Live,
            sample "a swap that cannot hand over state; or \"keep-old\"";
        /// The digest that the plugin file must have. `linemill inspect` shows it.
        sha256: Option<[u8; 32]> = None, Optional(Sha256, "any"), Live, default "any",
            sample "of the plugin",
            example "\"0000000000000000000000000000000000000000000000000000000000000000\"";
        // Always a JSON object.
        /// Settings passed to the filter when it starts: any TOML. They arrive as JSON, with dates
        /// and times as strings. `inf` and `nan`, which JSON cannot express, are refused.
        settings: serde_json::Value = serde_json::json!({}), Json, Live,
            sample "any TOML; passed to the filter as JSON";
        /// What the filter may import: `"log"`, `"clock"`, `"random"`, `"stream"`, `"store"`,
        /// `"metrics"`, `"wasi"`; see [Grants](#grants). `linemill inspect` shows what a plugin imports. A plugin that imports
        /// more than it is granted is refused.
        grant: Vec<Grant> = Vec::new(), Choices, Live,
            sample "what the filter may import: \"log\", \"clock\", \"random\", \"stream\", \"store\", \"metrics\", \"wasi\"";
        /// Largest plugin file accepted.
        size: u64 = 4 << 20, Size(1, 256 << 20), Live,
            sample "largest plugin file accepted";
        /// Examples that must succeed before the filter goes live; see [`test`](#test).
        test: Vec<FilterTest> = Vec::new(), Examples, Live, default "`[]`",
            sample "examples that must succeed before the filter goes live",
            example "[ { in = [\"Hello\"], out = [\"Uryyb\"] } ]";
    }
    by hand {
        /// Another version of the filter that serves a share of connections instead; see
        /// [below](#canary-shadow).
        canary: "table" as Shape::Table(Trial::keys), "live", default "none",
            sample "serves a share",
            example "{ plugin = \"rot13\", share = \"5%\", by = \"connection\", settings = { } }";
        /// Another version of the filter that receives copies of the lines of a share of
        /// connections; its answers are compared. Not together with `canary`.
        shadow: "table" as Shape::Table(Trial::keys), "live", default "none",
            sample "compared only; instead of canary",
            example "{ plugin = \"rot13\", share = \"5%\" }";
    }
    no key {
        /// The table's name.
        name: String = "rot13".to_owned();
        /// The version in `canary` or `shadow`.
        trial: Option<Trial> = None;
        /// The place of `plugin` in the file, or else that of the table.
        place: Place = Place::default();
        /// The places of the other keys.
        places: Places = Places::default();
        /// The places of everything inside `settings`.
        inner_places: InnerPlaces = InnerPlaces::default();
    }
}

/// What happens to a line that fails, or that causes a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It continues unfiltered.
    Pass,
    /// It is dropped.
    Drop,
    /// The connection closes, after the output of the lines before it.
    Close,
    /// It is dropped and sent to `quarantine`.
    Quarantine,
}

impl Keyword for OnError {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("pass", Self::Pass),
        ("drop", Self::Drop),
        ("close", Self::Close),
        ("quarantine", Self::Quarantine),
    ];
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
    /// Whose lines they are.
    Stream,
    /// A store that all its instances share.
    Store,
    /// Counters and histograms among the host's metrics.
    Metrics,
    /// A WASI without files, network, environment or arguments.
    Wasi,
}

impl Keyword for Grant {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("log", Self::Log),
        ("clock", Self::Clock),
        ("random", Self::Random),
        ("stream", Self::Stream),
        ("store", Self::Store),
        ("metrics", Self::Metrics),
        ("wasi", Self::Wasi),
    ];
}

/// Which connections share an instance of a filter that declares that it keeps no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Connections share instances of a filter that keeps no state.
    Auto,
    /// Every connection has its own instance.
    Connection,
}

impl Keyword for Isolation {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("connection", Self::Connection)];
}

/// What happens to a stream whose state the new filter cannot take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// The old filter returns the lines it holds back, and the new one begins without state.
    StartFresh,
    /// The stream keeps the old filter until the next swap.
    KeepOld,
}

impl Keyword for Handover {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("start-fresh", Self::StartFresh),
        ("keep-old", Self::KeepOld),
    ];
}

/// One example of `test`: these lines in, those lines out.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterTest {
    /// The lines of `in`.
    pub input: Vec<Vec<u8>>,
    /// The lines of `out`.
    pub output: Vec<Vec<u8>>,
    /// The place of the example in the file.
    pub place: Place,
}

keys! {
    by hand in FilterTest: "`test`" {
        /// At least one line, without terminators.
        in: "list of strings" as Shape::Text.list(), default "required";
        /// The lines expected as output.
        out: "list of strings" as Shape::Text.list(), default "required";
    }
}

impl FilterSettings {
    /// A filter with the defaults of all keys except `plugin`.
    pub fn new(name: &str, plugin: PluginRef) -> Self {
        Self {
            name: name.to_owned(),
            plugin,
            ..Self::default()
        }
    }
}
