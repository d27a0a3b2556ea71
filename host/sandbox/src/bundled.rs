//! The bundled plugins: those inside the host's binary.
//!
//! In: components that the build script embeds. Out: their names and bytes, and with which settings their
//! declaration for `on_error` does not apply.
//! Not here: plugins in files (`plugin::source`), and what plugins declare (`plugin::about`).

use serde_json::Value;

use crate::Digest;

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

/// Whether this is a bundled plugin that drops lines that fail by its own declaration, but keeps nothing
/// back with these settings. A declaration does not depend on settings, so this is where they count.
pub(crate) fn keeps_nothing_back(digest: Digest, size: u64, settings: &Value) -> bool {
    let is_plugin = |name: &str, bytes: &[u8]| {
        // Hashing is the last resort, since it takes longer than anything else here.
        bytes.len() as u64 == size && spares(name, settings) && Digest::of(bytes) == digest
    };
    let mut plugins = PLUGINS.iter();
    plugins.any(|(name, bytes)| is_plugin(name, bytes))
}

/// Whether the filter `name` only converts or directs lines with these settings: it neither removes content
/// nor selects which lines may continue.
fn spares(name: &str, settings: &Value) -> bool {
    match name {
        "json" => !["pick", "remove", "set", "set_json", "where"]
            .iter()
            .any(|key| settings.get(key).is_some()),
        // With a route, each line goes one way or the other, and none is dropped.
        "grep" => settings.get("route").is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bundled_plugin_is_known_by_its_bytes() {
        for (name, settings, expected) in [
            ("redact", json!({}), false),
            ("json", json!({ "remove": ["user"] }), false),
            ("json", json!({ "rename": { "a": "b" } }), true),
            ("json", json!({ "set": { "user": null } }), false),
            (
                "json",
                json!({ "where": { "field": "a", "exists": true } }),
                false,
            ),
            ("grep", json!({ "drop": ["x"] }), false),
            ("grep", json!({ "keep": ["x"], "route": "y" }), true),
            ("rot13", json!({}), false),
        ] {
            let bytes = component(name).expect(name);
            let spares =
                |bytes: &[u8]| keeps_nothing_back(Digest::of(bytes), bytes.len() as u64, &settings);
            assert_eq!(spares(bytes), expected, "{name} {settings}");
            let mut other = bytes.to_vec();
            other[8] ^= 1;
            assert!(!spares(&other));
        }
    }
}
