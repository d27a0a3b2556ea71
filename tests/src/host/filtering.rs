//! A host whose only filter is a component under test.
//!
//! In: the component, and further keys of its filter table. Out: the host, its answers to lines, and
//! how many lines failed. Not here: how components are made (`guest`).

use super::Host;
use crate::Folder;

impl Host {
    /// Starts a host whose only filter, `guest`, is this component. `keys` are further keys of the
    /// filter.
    pub fn filtering(component: &[u8], keys: &str) -> Self {
        let folder = Folder::new();
        folder.write("guest.wasm", component);
        Self::serve_in(folder, Self::filtering_config(keys))
    }

    /// The configuration of [`filtering`](Self::filtering); the component is `guest.wasm` next to it.
    pub fn filtering_config(keys: &str) -> String {
        let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{keys}\n");
        Self::config("chain = [\"guest\"]", &filters)
    }

    /// Asserts the answer to `lines` on a new connection. An LF is added to both texts.
    #[track_caller]
    pub fn expect_answer(&self, lines: &str, expected: &str) {
        let got = self.connect().exchange(format!("{lines}\n").as_bytes());
        let expected = format!("{expected}\n");
        assert_eq!(
            got.escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
    }

    /// Number of lines of the filter `guest` that have failed with this kind.
    #[track_caller]
    pub fn failures(&self, kind: &str) -> f64 {
        let labels = [("filter", "guest"), ("kind", kind)];
        self.metric("linemill_filter_failures_total", &labels)
    }
}
