//! How verbs name a plugin: a path to a file, or the name of a bundled one.

use std::path::PathBuf;

use anyhow::anyhow;
use linemill::config::settings::PluginRef;
use linemill::control::load;

/// Largest file taken by verbs that have no configuration to say otherwise, bytes.
const SIZE: u64 = 64 << 20;

/// What an argument means.
pub(super) fn reference(argument: &str) -> PluginRef {
    let is_path =
        argument.contains(['/', std::path::MAIN_SEPARATOR]) || argument.ends_with(".wasm");
    if is_path {
        PluginRef::Path(PathBuf::from(argument))
    } else {
        PluginRef::Name(argument.to_owned())
    }
}

/// The bytes of the plugin an argument names.
pub(super) fn read(argument: &str) -> anyhow::Result<Vec<u8>> {
    load::read(&reference(argument), &[], SIZE).map_err(|error| hinted(&error.problem, &error.hint))
}

/// An error with a hint below it.
pub(super) fn hinted(problem: &str, hint: &str) -> anyhow::Error {
    if hint.is_empty() {
        anyhow!("{problem}")
    } else {
        anyhow!("{problem}\n   = hint: {hint}")
    }
}
