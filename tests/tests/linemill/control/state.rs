//! A host whose filter `it` keeps state and is replaced while a client is connected.
//!
//! In: a plugin, a chain, keys of the filter. Out: what the client receives, and how many streams had
//! their state restored, started afresh, or kept the old instance. Not here: any tests.

use linemill_tests::{Client, Folder, Host, eventually};

/// The host, and a client connected before any swap.
pub(super) struct Swap {
    pub(super) host: Host,
    pub(super) client: Client,
}

impl Swap {
    /// Starts the host. `plugin` is the component of `it`, `chain` the names of filters, `filter` further
    /// keys of `it`.
    pub(super) fn new(plugin: &[u8], chain: &str, filter: &str) -> Self {
        let folder = Folder::new();
        folder.write("it.wasm", plugin);
        let host = Host::serve_in(folder, config(chain, filter));
        let client = host.connect();
        Self { host, client }
    }

    /// Sends bytes and asserts the answer.
    #[track_caller]
    pub(super) fn exchange(&mut self, sent: &[u8], expected: &[u8]) {
        self.client.send(sent);
        self.client.expect(expected);
    }

    /// Sends lines that `it` holds back, and waits until it has seen them.
    #[track_caller]
    pub(super) fn send_held(&mut self, sent: &[u8]) {
        let seen = || {
            self.host
                .metric("linemill_filter_lines_total", &[("filter", "it")])
        };
        let due = seen() + sent.iter().filter(|&&byte| byte == b'\n').count() as f64;
        self.client.send(sent);
        eventually("the lines at the filter", || (seen() >= due).then_some(()));
    }

    /// Swaps to another plugin.
    #[track_caller]
    pub(super) fn replace_plugin(&self, plugin: &[u8]) {
        self.swap(|host| drop(host.folder().replace("it.wasm", plugin)));
    }

    /// Swaps to another configuration.
    #[track_caller]
    pub(super) fn configure(&self, chain: &str, filter: &str) {
        self.swap(|host| host.replace_config(config(chain, filter)));
    }

    /// Makes a change, and waits until it is in force.
    #[track_caller]
    pub(super) fn swap(&self, change: impl FnOnce(&Host)) {
        let before = self.host.generation();
        change(&self.host);
        self.host.wait_swap(before);
    }

    /// Waits until the state of `count` streams was handed over with this result, and none with another.
    /// Idle streams move by themselves; a line moves its stream at once.
    #[track_caller]
    pub(super) fn wait_handovers(&self, result: &str, count: f64) {
        let labels = [("filter", "it"), ("result", result)];
        self.host
            .wait_metric("linemill_filter_handovers_total", &labels, count);
        let all = self
            .host
            .metric("linemill_filter_handovers_total", &[("filter", "it")]);
        assert_eq!(all.to_string(), count.to_string(), "no other result");
    }
}

/// The configuration: `it`, and two filters `before` and `after` that number lines.
pub(super) fn config(chain: &str, filter: &str) -> String {
    let filters = format!(
        "[filter.it]\nplugin = \"./it.wasm\"\n{filter}\n\n\
         [filter.before]\nplugin = \"number\"\nsettings = {{ separator = \"-\" }}\n\n\
         [filter.after]\nplugin = \"number\"\nsettings = {{ separator = \"+\" }}"
    );
    Host::config(&format!("chain = [{chain}]"), &filters)
}

/// The chain with only `it`.
pub(super) const ALONE: &str = "\"it\"";

/// Keys of `it` for the guest `late`, which holds each line until the next one. `letter` selects the fault
/// in its handover.
pub(super) fn late(letter: char, handover: &str) -> String {
    format!("settings = {{ v = \"{letter}\" }}\nhandover = \"{handover}\"\ndeadline = \"20ms\"")
}
