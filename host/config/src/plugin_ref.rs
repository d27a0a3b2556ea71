//! How a configuration names a plugin: a bare name, or a path.

use std::path::{Path, PathBuf};

/// How a configuration names a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginRef {
    /// A bare name: looked up as `NAME.wasm` in the host's plugin folders, then among the bundled
    /// plugins.
    Name(String),
    /// A path, resolved against the folder of the configuration file.
    Path(PathBuf),
}

impl PluginRef {
    /// The plugin that `text` names: a path if it has a slash or ends in `.wasm`, relative to
    /// `folder`; else a bare name.
    pub(crate) fn parse(text: &str, folder: &Path) -> Self {
        if is_path(text) {
            Self::Path(folder.join(text))
        } else {
            Self::Name(text.to_owned())
        }
    }
}

/// Whether `text` is a path and not a name.
pub(crate) fn is_path(text: &str) -> bool {
    text.contains(['/', std::path::MAIN_SEPARATOR]) || text.ends_with(".wasm")
}

/// Whether `text` is 1 to 64 ASCII letters, digits, `-` and `_`: a name that can be used in a list, a path
/// and a metric without escaping.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
