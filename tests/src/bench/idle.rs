//! Memory: connections that have sent one line each and then wait.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use linemill_tests::{Folder, Memory, memory};
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

use crate::document::{Cell, Part};
use crate::pattern::Pattern;
use crate::peer::{LINEMILL, Peer, Subject};
use crate::session;

/// Connections from one source address: well below the number of its ephemeral ports.
const PER_SOURCE: usize = 20_000;
/// Connections that are opened first, to pay one-time costs.
const WARM: usize = 4;
/// How long the host may take to settle after the last line.
const SETTLE: Duration = Duration::from_secs(1);

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    subject: Subject,
    /// Idle connections; 10000, or 2000 with --tls
    #[arg(long)]
    connections: Option<usize>,
    /// Over TLS
    #[arg(long)]
    tls: bool,
    /// Fail when a connection costs linemill more resident memory than this many KiB
    #[arg(long)]
    at_most: Option<f64>,
}

impl Idle {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let (part, linemill) = self.measure()?;
        part.print();
        match self.at_most {
            Some(most) if linemill > most => {
                bail!("a connection costs linemill {linemill:.2} KiB, more than {most}")
            }
            _ => Ok(()),
        }
    }

    /// Whether connections use TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    /// Measures all peers. Returns the table, and KiB of resident memory per connection of linemill.
    pub(crate) fn measure(&self) -> anyhow::Result<(Part, f64)> {
        let connections = self
            .connections
            .unwrap_or(if self.tls { 2000 } else { 10_000 });
        ensure!(connections > 0, "nothing to measure");
        // Peers inherit the limit, so it is raised before they start.
        raise_files(connections as u64 + 200)?;
        let folder = Folder::new();
        let config = self.tls.then(|| session::identity(&folder));
        let launches = if self.tls {
            self.subject.tls_launches(&folder)?
        } else {
            self.subject.roomy_launches(&folder, connections + WARM)?
        };
        let (mut rows, mut linemill) = (Vec::new(), 0.0);
        for mut launch in launches {
            let peer = launch.start()?;
            let pattern = peer.pattern(&self.subject);
            let (before, after) = self
                .hold(&peer, &pattern, connections, config.as_ref())
                .with_context(|| peer.name.clone())?;
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let each =
                |from: u64, to: u64| to.saturating_sub(from) as f64 / 1024.0 / connections as f64;
            let resident = each(before.resident, after.resident);
            if peer.name == LINEMILL {
                linemill = resident;
            }
            let numbers = [
                mib(before.resident),
                mib(after.resident),
                resident,
                each(before.proportional, after.proportional),
            ];
            let mut row = vec![Cell::text(peer.name.clone())];
            row.extend(numbers.map(Cell::number));
            rows.push(row);
        }
        let kind = if self.tls {
            "TLS connections"
        } else {
            "connections"
        };
        let columns = [
            "peer",
            "MiB before",
            "MiB after",
            "KiB each",
            "KiB each (Pss)",
        ];
        let part = Part {
            title: format!("Idle {kind}"),
            about: format!(
                "{} idle {kind} after one line of {} bytes each, all of them still open at the end. Resident memory of the server, without one-time costs.",
                Cell::count(connections).shown(),
                self.subject.line
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).to_vec(),
            rows,
            plots: Vec::new(),
        };
        Ok((part, linemill))
    }

    fn hold(
        &self,
        peer: &Peer,
        pattern: &Pattern,
        connections: usize,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<(Memory, Memory)> {
        let line = self.subject.line + 1;
        let open = |nth| {
            Held::open(peer.address, nth, tls)
                .and_then(|held| held.one_line(pattern, line))
                .with_context(|| format!("connection {nth}"))
        };
        // One-time costs, of instances and threads, are not a connection's.
        let warm: Vec<Held> = (0..WARM).map(|_| open(0)).collect::<Result<_, _>>()?;
        thread::sleep(SETTLE);
        let before = memory(peer.id()).context("memory before")?;
        let idle: Vec<Held> = (0..connections).map(open).collect::<Result<_, _>>()?;
        thread::sleep(SETTLE);
        let after = memory(peer.id()).context("memory after")?;
        // The figure is valid only if all connections are still open.
        for held in warm.into_iter().chain(idle) {
            held.stream.set_nonblocking(true)?;
            let open = matches!((&held.stream).read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
            ensure!(open, "a connection was closed before the end");
        }
        Ok((before, after))
    }
}

/// A connection that stays open.
struct Held {
    stream: TcpStream,
    session: Option<ClientConnection>,
}

impl Held {
    fn open(
        address: SocketAddr,
        nth: usize,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).context("socket")?;
        let last = u8::try_from(1 + nth / PER_SOURCE).context("too many connections")?;
        if last > 1 {
            socket
                .bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into())
                .context("bind")?;
        }
        socket.connect(&address.into()).context("connect")?;
        let session = tls.map(|config| ClientConnection::new(Arc::clone(config), session::name()));
        Ok(Self {
            stream: TcpStream::from(socket),
            session: session.transpose()?,
        })
    }

    /// Sends one line and reads the answer.
    fn one_line(mut self, pattern: &Pattern, line: usize) -> anyhow::Result<Self> {
        let mut answer = vec![0; line];
        let sent = pattern.sent(0, line);
        match &mut self.session {
            None => {
                self.stream.write_all(sent).context("send")?;
                self.stream.read_exact(&mut answer).context("no answer")?;
            }
            Some(session) => {
                let mut stream = rustls::Stream::new(session, &mut self.stream);
                stream.write_all(sent).context("send")?;
                stream.read_exact(&mut answer).context("no answer")?;
            }
        }
        ensure!(
            answer == pattern.due(0, line),
            "a wrong answer: {}",
            answer.escape_ascii()
        );
        Ok(self)
    }
}

#[cfg(unix)]
pub(crate) fn raise_files(wanted: u64) -> anyhow::Result<()> {
    linemill_tests::raise_descriptors(wanted).with_context(|| {
        format!("{wanted} open files are needed\nhint: raise the limit with `ulimit -n {wanted}`")
    })
}

#[cfg(not(unix))]
pub(crate) fn raise_files(_: u64) -> anyhow::Result<()> {
    Ok(())
}
