//! A host whose only filter is a guest: what most tests of guests begin with.
//!
//! In: a component, and more keys for it. Out: a host, what the filter makes of lines, how many failed.

use super::Host;
use crate::Folder;

impl Host {
    /// A host with one listener, whose only filter `guest` is this component, with more keys.
    pub fn filtering(component: &[u8], keys: &str) -> Self {
        let folder = Folder::new();
        folder.write("guest.wasm", component);
        Self::serve_in(folder, Self::filtering_config(keys))
    }

    /// Its configuration, for `guest.wasm` beside it.
    pub fn filtering_config(keys: &str) -> String {
        let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{keys}\n");
        Self::config("chain = [\"guest\"]", &filters)
    }

    /// Asserts that these lines, on a connection of their own, become those. Either lacks its last LF.
    #[track_caller]
    pub fn gives(&self, lines: &str, expected: &str) {
        let got = self.connect().exchange(format!("{lines}\n").as_bytes());
        let expected = format!("{expected}\n");
        assert_eq!(
            got.escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
    }

    /// Lines that failed in the filter `guest` so far, by kind.
    #[track_caller]
    pub fn failures(&self, kind: &str) -> f64 {
        let labels = [("filter", "guest"), ("kind", kind)];
        self.metric("linemill_filter_failures_total", &labels)
    }
}
