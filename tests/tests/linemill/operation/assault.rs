//! Clients that mean harm, of every kind of listener, beside innocent ones whose every line must come
//! back right. Afterwards the host has as many descriptors open as before, and has not panicked.
//!
//! What one such client costs, and how it is closed, is in `timeouts`, `limits`, `peers` and `tls`.

mod admin;
mod borders;
mod listeners;
mod resets;
mod slow;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Hop, Host, eventually, rot13};
use rustls::ClientConfig;

/// What a listener is, and how lines end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lf,
    Crlf,
    Nul,
    Octet,
    Tls,
    Unix,
    /// The harm comes from the next hop.
    Hop,
}

const KINDS: [Kind; 7] = [
    Kind::Lf,
    Kind::Crlf,
    Kind::Nul,
    Kind::Octet,
    Kind::Tls,
    Kind::Unix,
    Kind::Hop,
];

/// A host with a listener of each kind.
struct Scene {
    host: Host,
    hop: Hop,
    trust: Arc<ClientConfig>,
    /// Descriptors that are open when no connection is.
    idle: usize,
}

/// One who sends lines, and must get them back.
struct Innocent {
    kind: Kind,
    client: Client,
    /// The next hop's end.
    server: Option<Client>,
    said: u32,
}

impl Kind {
    fn keys(self, hop: &Hop) -> String {
        match self {
            Self::Lf => String::new(),
            Self::Crlf => "framing = \"crlf\"".to_owned(),
            Self::Nul => "framing = \"nul\"".to_owned(),
            Self::Octet => "framing = \"octet\"".to_owned(),
            Self::Tls => "tls = { cert = \"server.crt\", key = \"server.key\" }".to_owned(),
            Self::Unix => String::new(),
            Self::Hop => format!("to = \"{}\"", hop.url()),
        }
    }

    fn line(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Crlf => [content, b"\r\n"].concat(),
            Self::Nul => [content, b"\0"].concat(),
            Self::Octet => [format!("{} ", content.len()).as_bytes(), content].concat(),
            Self::Lf | Self::Tls | Self::Unix | Self::Hop => [content, b"\n"].concat(),
        }
    }
}

impl Scene {
    /// Every listener has these further keys; the one by TLS has `tls` beside.
    fn new(keys: &str, tls: &str) -> Self {
        let (authority, folder, hop) = (Authority::new(), Folder::new(), Hop::tcp());
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
                kind.keys(&hop)
            );
        }
        let host = Host::serve_in(folder, config);
        let trust = authority.trusting_client(None);
        let mut scene = Self {
            host,
            hop,
            trust,
            idle: 0,
        };
        // What is opened once stays open.
        for kind in KINDS {
            scene.innocent(kind).says();
        }
        scene.idle = scene.host.idle_descriptors();
        scene
    }

    /// A connection on which nothing was said yet, by TLS not even a handshake.
    #[track_caller]
    fn connect(&self, kind: Kind) -> Client {
        match kind {
            Kind::Unix => Client::connect_unix(&self.socket()),
            _ => Client::connect(self.host.listener(kind as usize)),
        }
    }

    fn socket(&self) -> PathBuf {
        self.host.folder().path().join("socket")
    }

    #[track_caller]
    fn innocent(&self, kind: Kind) -> Innocent {
        let client = match kind {
            Kind::Tls => Client::connect_tls(self.host.listener(kind as usize), &self.trust)
                .expect("a handshake"),
            _ => self.connect(kind),
        };
        let server = (kind == Kind::Hop).then(|| self.hop.accept());
        Innocent {
            kind,
            client,
            server,
            said: 0,
        }
    }

    fn innocents(&self) -> Vec<Innocent> {
        KINDS.map(|kind| self.innocent(kind)).into()
    }

    /// All have gone; nothing is left of them.
    #[track_caller]
    fn unharmed(mut self, innocents: Vec<Innocent>) {
        for mut innocent in innocents {
            innocent.says();
            innocent.leaves();
        }
        // A server that resets a connection before the host has seen it is connected to again.
        eventually("nobody waits for the next hop", || {
            while let Some(late) = self.hop.try_accept() {
                late.reset();
            }
            (self.host.metrics().sum("linemill_connections", &[]) < 0.5).then_some(())
        });
        assert_eq!(self.host.idle_descriptors(), self.idle, "descriptors");
        for kind in KINDS {
            self.innocent(kind).says();
        }
        self.host.alive();
        no_panic(&self.host);
    }
}

#[track_caller]
fn no_panic(host: &Host) {
    let said = host.stderr();
    assert!(!said.contains("panicked"), "{said}");
}

impl Innocent {
    /// A line, which comes back turned; from the next hop as well.
    #[track_caller]
    fn says(&mut self) {
        self.said += 1;
        let content = format!("line {} of an innocent", self.said).into_bytes();
        let turned = self.kind.line(&rot13(&content));
        self.client.send(&self.kind.line(&content));
        if let Some(server) = &mut self.server {
            server.expect(&turned);
            server.send(&turned);
        }
        self.client.expect(&turned);
    }

    #[track_caller]
    fn leaves(mut self) {
        self.client.finish();
        if let Some(server) = &mut self.server {
            server.expect_end();
            server.finish();
        }
        self.client.expect_end();
    }
}

/// Sends what is taken of `bytes`.
fn offer(client: &mut Client, bytes: &[u8]) {
    let mut sent = 0;
    while sent < bytes.len() {
        match client.offer(&bytes[sent..], Duration::from_secs(10)) {
            Some(count) => sent += count,
            None => return,
        }
    }
}

/// xorshift64*: the same bytes on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    /// Any bytes, or such as framings care for.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        const KNOWN: &[u8] = b"\r\n\0 019a\xff";
        let (length, known) = (1 + self.below(most), self.below(2) == 0);
        let mut byte = || match known {
            true => KNOWN[self.below(KNOWN.len())],
            false => self.below(256) as u8,
        };
        (0..length).map(|_| byte()).collect()
    }
}
