//! The plugins inside of the host's binary.

/// Name and component of each, by name.
static PLUGINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Their names.
pub fn names() -> Vec<&'static str> {
    PLUGINS.iter().map(|(name, _)| *name).collect()
}

/// The component called `name`.
pub fn component(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(bundled, _)| *bundled == name)
        .map(|(_, bytes)| *bytes)
}

/// Whether these are the bytes of one of them.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    PLUGINS.iter().any(|(_, bundled)| *bundled == bytes)
}
