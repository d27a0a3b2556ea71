//! Every table that a file may have, with the names of its keys.
//!
//! Keys are declared with their settings (see `keys`). They are not read by serde, which stops at
//! the first unknown key or wrong type: a user should see all mistakes of a file at once, each at
//! its place.

use super::settings::{
    ChainTest, CompileLimits, FilterSettings, FilterTest, HostSettings, Limits, ListenerSettings,
    LogSettings, Rate, Retire, Rollback, StageSettings, StoreLimits, Tls, Trial, UpstreamTls,
    Watermarks,
};

/// The keys of the file itself.
pub(super) const FILE: &[&str] = &["include", "host", "listener", "filter", "test"];

/// The keys of an included file.
pub(super) const INCLUDED_FILE: &[&str] = &["host", "listener", "filter", "test"];

/// Every table with its keys, as users write it.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("the file", FILE),
    (HostSettings::TITLE, HostSettings::KEYS),
    (LogSettings::TITLE, LogSettings::KEYS),
    (Rollback::TITLE, Rollback::KEYS),
    (ListenerSettings::TITLE, ListenerSettings::KEYS),
    (StageSettings::TITLE, StageSettings::KEYS),
    (UpstreamTls::TITLE, UpstreamTls::KEYS),
    (Watermarks::TITLE, Watermarks::KEYS),
    (Rate::TITLE, Rate::KEYS),
    (Tls::TITLE, Tls::KEYS),
    (FilterSettings::TITLE, FilterSettings::KEYS),
    (Limits::TITLE, Limits::KEYS),
    (StoreLimits::TITLE, StoreLimits::KEYS),
    (Retire::TITLE, Retire::KEYS),
    (FilterTest::TITLE, FilterTest::KEYS),
    (ChainTest::TITLE, ChainTest::KEYS),
    (Trial::TITLE, Trial::KEYS),
    (CompileLimits::TITLE, CompileLimits::KEYS),
];
