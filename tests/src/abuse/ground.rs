//! A host with a listener for each kind of attack beside the one of innocent clients.
//!
//! In: further tables of the configuration. Out: the text of the configuration, and where to attack. Not
//! here: attacks.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::tls::Authority;
use crate::{Folder, Host, guest};

/// Faulty filters, each with a listener of its own.
const FAULTY: [&str; 5] = ["trap", "loop", "sponge", "huge", "start-slow"];

/// What an attack needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    /// The listener that innocent clients use.
    pub(super) innocent: SocketAddr,
    pub(super) trap: SocketAddr,
    pub(super) spin: SocketAddr,
    pub(super) sponge: SocketAddr,
    pub(super) huge: SocketAddr,
    pub(super) start: SocketAddr,
    pub(super) states: SocketAddr,
    pub(super) tls: SocketAddr,
    pub(super) proxied: SocketAddr,
    pub(super) octet: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) trust: Arc<ClientConfig>,
}

/// The listeners that are attacked. They come after others in the configuration.
#[derive(Debug)]
pub struct Ground {
    targets: Targets,
}

impl Ground {
    /// Writes the filters and certificates to `folder`. Returns the tables of the configuration, and what
    /// becomes a ground once the host runs.
    pub fn prepare(folder: &Folder) -> (String, Arc<ClientConfig>) {
        let mut config = String::new();
        for name in FAULTY {
            folder.write(&format!("{name}.wasm"), guest::batch(name));
            // It needs longer to start than others have for a call.
            let more = match name {
                "start-slow" => "deadline = \"10s\"\n",
                _ => "",
            };
            let _written = write!(
                config,
                "[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\nchain = [\"{name}\"]\n\
                 [filter.{name}]\nplugin = \"./{name}.wasm\"\nisolation = \"connection\"\nmemory = \"64MiB\"\n{more}"
            );
        }
        for (name, keys) in [
            ("states", "chain = [\"number\", \"dedup\"]"),
            (
                "tls",
                "chain = [\"rot13\"]\ntls = { cert = \"server.crt\", key = \"server.key\" }",
            ),
            (
                "proxied",
                "chain = [\"rot13\"]\nproxy_protocol = \"accept\"\ntrust = [\"127.0.0.0/8\"]",
            ),
            ("octet", "chain = [\"rot13\"]\nframing = \"octet\""),
        ] {
            let _written = write!(
                config,
                "[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n{keys}\n"
            );
        }
        let authority = Authority::new();
        authority.server().write(folder, "server");
        (config, authority.trusting_client(None))
    }

    /// The ground of a running host: its first listener is that of innocent clients, and `before`
    /// listeners come before those that are attacked.
    pub fn of(host: &Host, before: usize, trust: Arc<ClientConfig>) -> Self {
        let nth = |nth: usize| host.listener(before + nth);
        Self {
            targets: Targets {
                innocent: host.listener(0),
                trap: nth(0),
                spin: nth(1),
                sponge: nth(2),
                huge: nth(3),
                start: nth(4),
                states: nth(5),
                tls: nth(6),
                proxied: nth(7),
                octet: nth(8),
                admin: host.admin(),
                trust,
            },
        }
    }

    pub(super) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The listener whose filter takes long to start.
    pub fn slow_start(&self) -> SocketAddr {
        self.targets.start
    }

    /// The listener whose filter takes all memory that it gets.
    pub fn sponge(&self) -> SocketAddr {
        self.targets.sponge
    }
}
