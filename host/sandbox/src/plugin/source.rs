//! Reads a plugin's bytes, from a file or from the bundled plugins.
//!
//! In: the plugin's path or name in the configuration or on a command line, and the folders where
//! bare names are looked up. Out: the bytes, read once and limited in size.
//! Not here: whether the bytes are a plugin (`admission`, `compiler`).

use std::path::{Path, PathBuf};

use crate::bundled;
use crate::{Refusal, RefusalKind};
use linemill_config::settings::PluginRef;
use linemill_config::{Files, NO_ANSWER, NoAnswer, ReadError};

/// Reads a plugin. A name is looked up in `folders` first, and then among the bundled plugins. Blocks
/// on the file system, as long as `files` allows.
///
/// # Errors
/// When there is no such plugin, when the file is not a regular file or has more than `limit` bytes,
/// and when it cannot be read.
pub fn read(
    reference: &PluginRef,
    folders: &[PathBuf],
    limit: u64,
    files: &Files,
) -> Result<Vec<u8>, Refusal> {
    let located = locate(reference, folders, files)
        .map_err(|path| unreadable(&path, ReadError::NoAnswer(NoAnswer)))?;
    match (&located, reference) {
        (Some(path), _) | (None, PluginRef::Path(path)) => files
            .read(path, limit)
            .map_err(|error| unreadable(path, error)),
        (None, PluginRef::Name(name)) => bundled::component(name)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| unknown(name, folders)),
    }
}

/// The file that a plugin is read from; `None` if no folder has a file for the name, so that only a
/// bundled plugin can be meant.
///
/// # Errors
/// The path in a folder whose file system does not answer: what is behind it is not known to be absent.
fn locate(
    reference: &PluginRef,
    folders: &[PathBuf],
    files: &Files,
) -> Result<Option<PathBuf>, PathBuf> {
    let name = match reference {
        PluginRef::Path(path) => return Ok(Some(path.clone())),
        PluginRef::Name(name) => name,
    };
    for folder in folders {
        let path = folder.join(format!("{name}.wasm"));
        match files.exists(&path) {
            Ok(true) => return Ok(Some(path)),
            Ok(false) => {}
            Err(NoAnswer) => return Err(path),
        }
    }
    Ok(None)
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

/// The refusal of a file that was not read.
fn unreadable(path: &Path, error: ReadError) -> Refusal {
    let shown = path.display();
    let is_passing = error.is_shortage();
    let refusal = match error {
        ReadError::System(_) => Refusal::plugin(
            format!("plugin {shown}: {error}"),
            error
                .hint_about_descriptors()
                .unwrap_or("check the path, and that linemill's user may read it"),
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
        ReadError::NoAnswer(error) => {
            Refusal::plugin(format!("plugin {shown}: {error}"), NO_ANSWER)
        }
    };
    refusal.passing_if(is_passing)
}
