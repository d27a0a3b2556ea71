//! Names: of filters, of plugins, of listeners.
//!
//! In: text. Out: whether it is a name or a path, and what to do about one that is not known.

use std::path::Path;

use crate::settings::PluginRef;
use crate::suggest;

/// What to do about a name that no filter has.
pub(crate) fn no_filter<'a>(
    name: &str,
    defined: impl Iterator<Item = &'a str>,
    bundled: &[&'a str],
) -> String {
    let mut known: Vec<&str> = defined.chain(bundled.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let list = suggest::hint(name, "known filters", &known);
    if is_name(name) {
        format!("{list}; or define it in a table [filter.{name}]")
    } else {
        list
    }
}

/// Letters, digits, `-` and `_`: what a name may have, so that it can stand in a list, a path
/// and a metric as it is.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The hint for a text that is not a name.
pub(super) const NAME_HINT: &str = "use 1 to 64 of the letters a-z and A-Z, digits, - and _";

/// A bare name of a plugin, or a path: a text with a slash, or one that ends in `.wasm`.
pub(crate) fn plugin(text: &str, folder: &Path) -> PluginRef {
    if is_path(text) {
        PluginRef::Path(folder.join(text))
    } else {
        PluginRef::Name(text.to_owned())
    }
}

/// Tells a path from a name.
pub(crate) fn is_path(text: &str) -> bool {
    text.contains(['/', std::path::MAIN_SEPARATOR]) || text.ends_with(".wasm")
}
