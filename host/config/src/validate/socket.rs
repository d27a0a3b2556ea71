//! Which keys are allowed with an address in `bind`.

use crate::problem::Problem;
use crate::settings::{Address, ListenerSettings, ProxyProtocol};

/// A report for each key that has no effect with the address of the listener called `name`.
pub(crate) fn without_effect(listener: &ListenerSettings, name: &str) -> Vec<Problem> {
    let bind = &listener.bind;
    let mut problems = Vec::new();
    let mut vain = |key, why: &str, hint| {
        let text = format!("key `{key}` of {name} has no effect: `{bind}` {why}");
        problems.push(listener.places.of(key).problem(text, hint));
    };
    if listener.bind_mode.is_some() && !matches!(bind, Address::Unix(_) | Address::Unixgram(_)) {
        let (why, hint) = match bind {
            Address::Systemd(_) => (
                "is opened by systemd",
                "write SocketMode= into the .socket unit",
            ),
            _ => (
                "is not a file",
                "write \"unix:PATH\" in `bind`, or leave this out",
            ),
        };
        vain("bind_mode", why, hint);
    }
    match bind {
        Address::Tcp(address) | Address::Udp(address) => {
            if listener.ipv6_only && address.is_ipv4() {
                let hint = "write an IPv6 address, such as \"[::]:PORT\", or leave this out";
                vain("ipv6_only", "is not an IPv6 address", hint);
            }
        }
        Address::Unix(_) | Address::Unixgram(_) => {
            if listener.ipv6_only {
                let hint = "write an IPv6 address, such as \"[::]:PORT\", or leave this out";
                vain("ipv6_only", "is not an IPv6 address", hint);
            }
            if listener.reuse_port {
                let hint = "write an IP address and a port, or leave this out";
                vain("reuse_port", "has no port", hint);
            }
            // A proxy may name clients elsewhere.
            let local = listener.proxy_protocol == ProxyProtocol::Off;
            if local && listener.max_per_address.is_some() {
                let hint = "use `max_connections`, which counts them all";
                vain("max_per_address", "has clients without an IP address", hint);
            }
            let networks = [
                ("allow", listener.allow.is_some()),
                ("deny", !listener.deny.is_empty()),
            ];
            for (key, _) in networks.into_iter().filter(|(_, given)| local && *given) {
                let hint = "let the permissions of the socket's file say who may connect";
                vain(key, "has clients without an IP address", hint);
            }
        }
        Address::Systemd(_) => {
            if listener.ipv6_only {
                let hint = "write BindIPv6Only=ipv6-only into the .socket unit";
                vain("ipv6_only", "is opened by systemd", hint);
            }
            if listener.reuse_port {
                let hint = "write ReusePort=yes into the .socket unit";
                vain("reuse_port", "is opened by systemd", hint);
            }
        }
    }
    problems
}
