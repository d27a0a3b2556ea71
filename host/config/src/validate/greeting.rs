//! What comes before the first line: the PROXY protocol, the TLS handshake, and their limit.

use crate::checker::Checker;
use crate::item::Table;
use crate::settings::{Address, ListenerSettings, ProxyProtocol};

impl Checker<'_> {
    /// Refuses keys that have an effect only with others. `settings` is what `listener` says; `bind`
    /// is `None` when it does not read.
    pub(super) fn greeting(
        &mut self,
        listener: &Table<'_>,
        settings: &ListenerSettings,
        bind: Option<&Address>,
    ) {
        let proxied = settings.proxy_protocol == ProxyProtocol::Accept;
        let [trust, timeout] = ["trust", "handshake_timeout"].map(|key| listener.item(key));
        if let (Some(item), false, false) = (timeout, listener.has("tls"), proxied) {
            self.problems.push(item.refuse(
                "has no effect without `tls` or `proxy_protocol`",
                "add one of them, or leave this out",
            ));
        }
        match (trust, proxied, bind) {
            (Some(item), false, _) => {
                let why = "`proxy_protocol` is \"off\"";
                let hint = "write proxy_protocol = \"accept\"";
                self.problems.push(item.vain(why, hint));
            }
            (Some(item), true, Some(Address::Unix(_))) => {
                let why = "the proxies of a Unix socket have no IP address";
                let hint = "let the permissions of its file say who may connect";
                self.problems.push(item.vain(why, hint));
            }
            (None, true, Some(Address::Tcp(_))) => {
                let right = "name the networks of your proxies, such as trust = [\"10.0.0.0/8\"]: whoever is trusted can claim any address";
                let problem = listener.lacks("trust", right);
                let place = settings.places.of("proxy_protocol");
                self.problems.push(problem.at(place));
            }
            _ => {}
        }
    }
}
