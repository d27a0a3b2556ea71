//! The bundled plugins: those inside the host's binary.
//!
//! In: components that the build script embeds. Out: their names and bytes, and what they declare for
//! `on_error`.
//! Not here: plugins in files (`plugin::source`).

use serde_json::Value;

use crate::Digest;
use linemill_config::settings::OnError;

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

/// What a plugin of this digest and size declares for `on_error`, which applies unless the configuration
/// says otherwise; `None` if it declares nothing. A copy of a bundled plugin declares the same, wherever
/// it is and whatever the filter is called.
pub(crate) fn declared_on_error(digest: Digest, size: u64, settings: &Value) -> Option<OnError> {
    let is_plugin = |name: &str, bytes: &[u8]| {
        // Hashing is the last resort, since it takes longer than anything else here.
        bytes.len() as u64 == size && keeps_back(name, settings) && Digest::of(bytes) == digest
    };
    let mut plugins = PLUGINS.iter();
    plugins
        .any(|(name, bytes)| is_plugin(name, bytes))
        .then_some(OnError::Drop)
}

/// Whether something in its input must not get past the filter `name` with these settings: it masks or
/// removes content, or selects which lines may continue. Filters that only convert, count or thin out
/// lines keep nothing back.
fn keeps_back(name: &str, settings: &Value) -> bool {
    match name {
        "redact" => true,
        "json" => settings.get("pick").is_some() || settings.get("remove").is_some(),
        // With a route, each line goes one way or the other, and none is dropped.
        "grep" => settings.get("route").is_none(),
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
            ("redact", json!({}), Some(OnError::Drop)),
            ("json", json!({ "remove": ["user"] }), Some(OnError::Drop)),
            ("json", json!({ "rename": { "a": "b" } }), None),
            ("grep", json!({ "drop": ["x"] }), Some(OnError::Drop)),
            ("grep", json!({ "keep": ["x"], "route": "y" }), None),
            ("rot13", json!({}), None),
            ("sample", json!({}), None),
        ] {
            let bytes = component(name).expect(name);
            let declared =
                |bytes: &[u8]| declared_on_error(Digest::of(bytes), bytes.len() as u64, &settings);
            assert_eq!(declared(bytes), expected, "{name} {settings}");
            let mut other = bytes.to_vec();
            other[8] ^= 1;
            assert_eq!(declared(&other), None);
        }
    }
}
