//! The bundled plugins: those inside the host's binary.
//!
//! In: components that the build script embeds. Out: their names and bytes.
//! Not here: plugins in files (`plugin::source`).

/// Name and component of each bundled plugin, sorted by name.
static PLUGINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The names of the bundled plugins, sorted.
pub fn names() -> Vec<&'static str> {
    PLUGINS.iter().map(|(name, _)| *name).collect()
}

/// The bytes of the bundled plugin `name`.
pub fn component(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(bundled, _)| *bundled == name)
        .map(|(_, bytes)| *bytes)
}

/// Whether these are the bytes of a bundled plugin.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    PLUGINS.iter().any(|(_, bundled)| *bundled == bytes)
}
