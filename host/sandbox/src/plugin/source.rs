//! Reads a plugin's bytes, from a file or from the bundled plugins.
//!
//! In: the plugin's path or name in the configuration or on a command line, and the folders where
//! bare names are looked up. Out: the bytes, read once and limited in size.
//! Not here: whether the bytes are a plugin (`admission`, `compiler`).

use std::path::{Path, PathBuf};

use crate::bundled;
use crate::{Refusal, RefusalKind};
use linemill_config::settings::PluginRef;
use linemill_config::{ReadError, read_regular};

/// Reads a plugin. A name is looked up in `folders` first, and then among the bundled plugins. Blocks
/// on the file system.
///
/// # Errors
/// When there is no such plugin, when the file is not a regular file or has more than `limit` bytes,
/// and when it cannot be read.
pub fn read(reference: &PluginRef, folders: &[PathBuf], limit: u64) -> Result<Vec<u8>, Refusal> {
    match (locate(reference, folders), reference) {
        (Some(path), _) => read_file(&path, limit),
        (None, PluginRef::Path(path)) => read_file(path, limit),
        (None, PluginRef::Name(name)) => bundled::component(name)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| unknown(name, folders)),
    }
}

/// The file that a plugin is read from; `None` if no folder has a file for the name, so that only a
/// bundled plugin can be meant.
pub fn locate(reference: &PluginRef, folders: &[PathBuf]) -> Option<PathBuf> {
    match reference {
        PluginRef::Path(path) => Some(path.clone()),
        PluginRef::Name(name) => folders
            .iter()
            .map(|folder| folder.join(format!("{name}.wasm")))
            .find(|path| path.exists()),
    }
}

/// The name of a plugin in messages.
pub(super) fn shown(reference: &PluginRef) -> String {
    match reference {
        PluginRef::Name(name) => format!("`{name}`"),
        PluginRef::Path(path) => path.display().to_string(),
    }
}

fn unknown(name: &str, folders: &[PathBuf]) -> Refusal {
    let looked: Vec<_> = folders
        .iter()
        .map(|folder| folder.join(format!("{name}.wasm")).display().to_string())
        .collect();
    let looked = if looked.is_empty() {
        String::new()
    } else {
        format!("; looked for {}", looked.join(", "))
    };
    Refusal::plugin(
        format!("there is no plugin `{name}`{looked}"),
        format!(
            "bundled are {}; for a file, give its path: \"./{name}.wasm\"",
            bundled::names().join(", ")
        ),
    )
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Refusal> {
    let shown = path.display();
    read_regular(path, limit).map_err(|error| match error {
        ReadError::System(error) => Refusal::plugin(
            format!("plugin {shown}: {error}"),
            "check the path, and that linemill's user may read it",
        ),
        ReadError::Folder => Refusal::plugin(
            format!("plugin {shown} is a folder"),
            "name the .wasm file itself",
        ),
        ReadError::NotRegular => Refusal::plugin(
            format!("plugin {shown} is not a regular file"),
            "name the .wasm file itself",
        ),
        ReadError::TooLarge(limit) => Refusal::new(
            RefusalKind::Size,
            format!("plugin {shown} is larger than {limit} bytes"),
            "if it is meant to be, raise the filter's `size`",
        ),
    })
}
