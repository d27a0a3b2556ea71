//! How verbs name a plugin: a path to a file, or the name of a bundled one.

use anyhow::anyhow;
use linemill::control::load;
use linemill_config::settings::PluginRef;

/// Largest file taken by verbs that have no configuration to say otherwise, bytes.
const SIZE: u64 = 64 << 20;

/// The bytes of the plugin an argument names.
pub(super) fn read(argument: &str) -> anyhow::Result<Vec<u8>> {
    load::read(&PluginRef::from_arg(argument), &[], SIZE)
        .map_err(|error| hinted(&error.problem, &error.hint))
}

/// An error with a hint below it.
pub(super) fn hinted(problem: &str, hint: &str) -> anyhow::Error {
    if hint.is_empty() {
        anyhow!("{problem}")
    } else {
        anyhow!("{problem}\n   = hint: {hint}")
    }
}
