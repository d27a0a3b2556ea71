//! Names of filters, plugins and listeners.
//!
//! In: text. Out: whether it is a name or a path, and what to do about one that is not known.

use crate::plugin_ref::is_name;
use crate::suggest;

/// The hint for a name that no filter has.
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

/// The hint for a text that is not a name.
pub(crate) const NAME_HINT: &str = "use 1 to 64 of the letters a-z and A-Z, digits, - and _";
