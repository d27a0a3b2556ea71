//! A host with a listener of every kind, and innocent connections whose lines must come back right while
//! attackers are at work.
//!
//! In: further keys of the listeners. Out: connections to attack from, innocent connections, and a final
//! check: as many descriptors as before, and no panic. Not here: any tests; what a single attacker costs
//! (`connections`, `listeners::tls`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Host, Upstream, eventually, rot13};
use rustls::ClientConfig;

/// A kind of listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lf,
    Crlf,
    Nul,
    Octet,
    Tls,
    Unix,
    /// A listener that sends lines to an upstream, which attacks.
    Upstream,
}

/// All kinds, in the order of the listeners.
pub(super) const KINDS: [Kind; 7] = [
    Kind::Lf,
    Kind::Crlf,
    Kind::Nul,
    Kind::Octet,
    Kind::Tls,
    Kind::Unix,
    Kind::Upstream,
];

/// A host with a listener of each kind.
pub(super) struct Scene {
    pub(super) host: Host,
    pub(super) upstream: Upstream,
    trust: Arc<ClientConfig>,
    /// Open descriptors of the host without any connection.
    idle: usize,
}

/// A connection that sends lines and must get them back.
pub(super) struct Innocent {
    kind: Kind,
    pub(super) client: Client,
    /// The end at the upstream, if there is one.
    server: Option<Client>,
    sent: u32,
}

impl Kind {
    /// Keys of its listener.
    fn keys(self, upstream: &Upstream) -> String {
        match self {
            Self::Lf => String::new(),
            Self::Crlf => "framing = \"crlf\"".to_owned(),
            Self::Nul => "framing = \"nul\"".to_owned(),
            Self::Octet => "framing = \"octet\"".to_owned(),
            Self::Tls => "tls = { cert = \"server.crt\", key = \"server.key\" }".to_owned(),
            Self::Unix => String::new(),
            Self::Upstream => format!("to = \"{}\"", upstream.url()),
        }
    }

    /// A line with this content, in its framing.
    pub(super) fn line(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Crlf => [content, b"\r\n"].concat(),
            Self::Nul => [content, b"\0"].concat(),
            Self::Octet => [format!("{} ", content.len()).as_bytes(), content].concat(),
            Self::Lf | Self::Tls | Self::Unix | Self::Upstream => [content, b"\n"].concat(),
        }
    }
}

impl Scene {
    /// Starts the host. Every listener has `keys`; the one with TLS has `tls` as well.
    pub(super) fn new(keys: &str, tls: &str) -> Self {
        let (authority, folder, upstream) = (Authority::new(), Folder::new(), Upstream::tcp());
        authority.server().write(&folder, "server");
        let mut config = String::from("[host]\nadmin = \"127.0.0.1:0\"\n");
        for kind in KINDS {
            let bind = match kind {
                Kind::Unix => "unix:socket",
                _ => "127.0.0.1:0",
            };
            let more = if kind == Kind::Tls { tls } else { "" };
            config += &format!(
                "[[listener]]\nname = \"{kind:?}\"\nbind = \"{bind}\"\nchain = [\"rot13\"]\n{}\n{keys}\n{more}\n",
                kind.keys(&upstream)
            );
        }
        let host = Host::serve_in(folder, config);
        let trust = authority.trusting_client(None);
        let mut scene = Self {
            host,
            upstream,
            trust,
            idle: 0,
        };
        // Descriptors opened by the first connections stay open.
        for kind in KINDS {
            scene.innocent(kind).exchange();
        }
        scene.idle = scene.host.idle_descriptors();
        scene
    }

    /// A new connection, with TLS without a handshake.
    #[track_caller]
    pub(super) fn connect(&self, kind: Kind) -> Client {
        match kind {
            Kind::Unix => Client::connect_unix(&self.socket()),
            _ => Client::connect(self.host.listener(kind as usize)),
        }
    }

    fn socket(&self) -> PathBuf {
        self.host.folder().path().join("socket")
    }

    /// A new innocent connection.
    #[track_caller]
    pub(super) fn innocent(&self, kind: Kind) -> Innocent {
        let client = match kind {
            Kind::Tls => Client::connect_tls(self.host.listener(kind as usize), &self.trust)
                .expect("a handshake"),
            _ => self.connect(kind),
        };
        let server = (kind == Kind::Upstream).then(|| self.upstream.accept());
        Innocent {
            kind,
            client,
            server,
            sent: 0,
        }
    }

    /// An innocent connection of each kind.
    pub(super) fn innocents(&self) -> Vec<Innocent> {
        KINDS.map(|kind| self.innocent(kind)).into()
    }

    /// Ends the innocent connections; asserts that the host has as many descriptors open as before, has not
    /// panicked, and still serves every kind.
    #[track_caller]
    pub(super) fn unharmed(mut self, innocents: Vec<Innocent>) {
        for mut innocent in innocents {
            innocent.exchange();
            innocent.leave();
        }
        // If an upstream connection is reset before the host has noticed it, the host connects again.
        eventually("no connection is open", || {
            while let Some(late) = self.upstream.try_accept() {
                late.reset();
            }
            (self.host.metric("linemill_connections", &[]) < 0.5).then_some(())
        });
        assert_eq!(self.host.idle_descriptors(), self.idle, "descriptors");
        for kind in KINDS {
            self.innocent(kind).exchange();
        }
        self.host.expect_alive();
        no_panic(&self.host);
    }
}

/// Asserts that the log has no panic.
#[track_caller]
pub(super) fn no_panic(host: &Host) {
    let log = host.stderr();
    assert!(!log.contains("panicked"), "{log}");
}

impl Innocent {
    /// Sends a line and expects ROT13 of it, by way of the upstream if there is one.
    #[track_caller]
    pub(super) fn exchange(&mut self) {
        self.sent += 1;
        let content = format!("line {} of an innocent", self.sent).into_bytes();
        let expected = self.kind.line(&rot13(&content));
        self.client.send(&self.kind.line(&content));
        if let Some(server) = &mut self.server {
            server.expect(&expected);
            server.send(&expected);
        }
        self.client.expect(&expected);
    }

    /// Ends the connection by half-closes.
    #[track_caller]
    fn leave(mut self) {
        self.client.finish();
        if let Some(server) = &mut self.server {
            server.expect_end();
            server.finish();
        }
        self.client.expect_end();
    }
}

/// Sends `bytes` until the other end closes.
pub(super) fn offer(client: &mut Client, bytes: &[u8]) {
    let mut sent = 0;
    while sent < bytes.len() {
        match client.offer(&bytes[sent..], Duration::from_secs(10)) {
            Some(count) => sent += count,
            None => return,
        }
    }
}

/// Pseudo-random numbers (xorshift64*), the same on every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    /// Up to `most` bytes: any bytes, or only those with a meaning in framings.
    pub(super) fn bytes(&mut self, most: usize) -> Vec<u8> {
        const KNOWN: &[u8] = b"\r\n\0 019a\xff";
        let (length, known) = (1 + self.below(most), self.below(2) == 0);
        let mut byte = || {
            if known {
                KNOWN[self.below(KNOWN.len())]
            } else {
                self.below(256) as u8
            }
        };
        (0..length).map(|_| byte()).collect()
    }
}
