//! Peers: servers that answer each line, as child processes.
//!
//! To add one, add a [`Launch`] to [`Subject::launches`]: a command that prints `listening on ADDR` on
//! its standard error, as linemill does, or one whose port is known. Each is started without a shell
//! and killed by its process id.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use linemill_tests::{Folder, family, peak_memory, processor_time};

use crate::others::Others;
use crate::pattern::Pattern;

/// The name of linemill among the peers.
pub(crate) const LINEMILL: &str = "linemill";

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Selects the linemill to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Binary {
    /// The linemill to measure
    #[arg(long = "linemill", default_value = "target/release/linemill")]
    pub(crate) path: PathBuf,
}

/// Selects what is measured.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    #[command(flatten)]
    binary: Binary,
    /// Filters of the chain, separated by commas; only `rot13` is known to the bench
    #[arg(long, default_value = "rot13", value_delimiter = ',')]
    chain: Vec<String>,
    /// Bytes of a line without its terminator
    #[arg(long, default_value_t = 80)]
    pub(crate) line: usize,
}

/// A peer that can be started repeatedly.
pub(crate) struct Launch {
    /// Its name in the table.
    pub(crate) name: String,
    /// How often it turns each line.
    passes: u32,
    command: Command,
    /// Where it listens, if it does not print that.
    address: Option<SocketAddr>,
}

/// A running peer. It is killed when dropped.
pub(crate) struct Peer {
    /// Its name in the table.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    passes: u32,
    child: Child,
}

impl Binary {
    /// A launch of linemill with these arguments.
    pub(crate) fn launch(&self, passes: u32, arguments: &[&str]) -> anyhow::Result<Launch> {
        let path = &self.path;
        ensure!(
            path.is_file(),
            "{} is missing\nhint: build it with `cargo build --release -p linemill`, or name another with --linemill",
            path.display()
        );
        let mut command = Command::new(path);
        command.args(arguments);
        Ok(Launch::announced(LINEMILL.to_owned(), passes, command))
    }

    /// A launch of linemill with this configuration, which is written to `folder`.
    pub(crate) fn configured(
        &self,
        folder: &Folder,
        passes: u32,
        config: &str,
    ) -> anyhow::Result<Launch> {
        let path = folder.write("linemill.toml", config);
        let mut launch = self.launch(passes, &["serve", "--config"])?;
        launch.command.arg(path);
        Ok(launch)
    }
}

impl Subject {
    /// Lines of `line` bytes through this many filters that turn them.
    pub(crate) fn rot13(binary: &Binary, filters: usize, line: usize) -> Self {
        Self {
            binary: binary.clone(),
            chain: vec!["rot13".to_owned(); filters],
            line,
        }
    }

    /// All peers. The others are compared with the first.
    pub(crate) fn launches(&self) -> anyhow::Result<Vec<Launch>> {
        let passes = self.passes()?;
        Ok(vec![
            self.own("native", "native", passes)?,
            self.linemill()?,
        ])
    }

    /// linemill, the limit of tokio, native lines, and the peers that were requested.
    pub(crate) fn launches_with(&self, others: &Others) -> anyhow::Result<Vec<Launch>> {
        let passes = self.passes()?;
        ensure!(
            passes == 1 || !others.any(),
            "other peers turn a line once, this chain does it {passes} times\nhint: leave out --chain"
        );
        let mut launches = self.launches()?;
        launches.insert(1, self.own("echo", "native", 0)?);
        launches.insert(2, self.own("codec", "codec", passes)?);
        launches.extend(others.launches()?);
        Ok(launches)
    }

    /// The peer that this program contains.
    fn own(&self, name: &str, verb: &str, passes: u32) -> anyhow::Result<Launch> {
        let passed = passes.to_string();
        Launch::own(name, passes, &[verb, "--passes", &passed])
    }

    /// A launch of linemill.
    pub(crate) fn linemill(&self) -> anyhow::Result<Launch> {
        let chain = self.chain.join(",");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--chain", &chain];
        self.binary.launch(self.passes()?, &arguments)
    }

    /// A launch of linemill whose only listener has these further keys; its configuration is written to
    /// `folder`.
    pub(crate) fn configured(&self, folder: &Folder, listener: &str) -> anyhow::Result<Launch> {
        let chain: Vec<String> = self.chain.iter().map(|name| format!("{name:?}")).collect();
        let config = format!(
            "[[listener]]\nname = \"bench\"\nbind = \"127.0.0.1:0\"\nchain = [{}]\n{listener}\n",
            chain.join(", ")
        );
        self.binary.configured(folder, self.passes()?, &config)
    }

    /// All peers, with linemill accepting this many connections; its configuration is written to
    /// `folder`.
    pub(crate) fn roomy_launches(
        &self,
        folder: &Folder,
        connections: usize,
    ) -> anyhow::Result<Vec<Launch>> {
        let native = self.own("native", "native", self.passes()?)?;
        let room = format!("max_connections = {connections}");
        Ok(vec![native, self.configured(folder, &room)?])
    }

    /// An echo that uses rustls alone, and linemill, both with the certificate that
    /// [`identity`](crate::session::identity) wrote to `folder`.
    pub(crate) fn tls_launches(&self, folder: &Folder) -> anyhow::Result<Vec<Launch>> {
        let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
        let mut echo = Launch::own("rustls echo", 0, &["native", "--passes", "0", "--tls"])?;
        echo.command.arg(folder.path());
        Ok(vec![echo, self.configured(folder, tls)?])
    }

    /// The pattern to send, with its expected answer.
    pub(crate) fn pattern(&self) -> anyhow::Result<Pattern> {
        Ok(Pattern::new(self.line, self.passes()?))
    }

    fn passes(&self) -> anyhow::Result<u32> {
        let unknown = self.chain.iter().find(|name| *name != "rot13");
        ensure!(
            unknown.is_none(),
            "the bench does not know what {unknown:?} does to a line\nhint: only rot13 is known"
        );
        Ok(u32::try_from(self.chain.len())?)
    }
}

impl Launch {
    /// A peer that this program contains, by its verb and arguments.
    pub(crate) fn own(name: &str, passes: u32, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("the bench's own path")?);
        command.args(arguments);
        Ok(Self::announced(name.to_owned(), passes, command))
    }

    /// The pattern to send to it, with its expected answer.
    pub(crate) fn pattern(&self, subject: &Subject) -> Pattern {
        Pattern::new(subject.line, self.passes)
    }

    /// A peer that prints where it listens.
    pub(crate) fn announced(name: String, passes: u32, command: Command) -> Self {
        Self {
            name,
            passes,
            command,
            address: None,
        }
    }

    /// A peer that listens on a known address.
    pub(crate) fn at(name: String, passes: u32, command: Command, address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            ..Self::announced(name, passes, command)
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&mut self) -> anyhow::Result<Peer> {
        if let Some(address) = self.address {
            ensure!(
                TcpStream::connect(address).is_err(),
                "{address} is in use\nhint: stop the program that listens there; the bench starts {} itself",
                self.name
            );
        }
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("start {:?}", self.command))?;
        let stderr = child.stderr.take().context("standard error is piped")?;
        // From here on, the child is killed even if an error follows.
        let mut peer = Peer {
            name: self.name.clone(),
            address: SocketAddr::from(([0; 4], 0)),
            passes: self.passes,
            child,
        };
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        match self.address {
            Some(address) => {
                drain(lines);
                peer.address = address;
                peer.wait_for_listener()?;
            }
            None => peer.address = listening(lines).with_context(|| peer.name.clone())?,
        }
        Ok(peer)
    }
}

/// Reads the address that a server prints.
fn listening(
    mut lines: impl Iterator<Item = String> + Send + 'static,
) -> anyhow::Result<SocketAddr> {
    let mut output = Vec::new();
    for line in lines.by_ref() {
        if let Some(address) = line.strip_prefix("listening on ") {
            let address = address.trim().parse().with_context(|| line.clone())?;
            drain(lines);
            return Ok(address);
        }
        output.push(line);
    }
    bail!("it exited before it listened:\n{}", output.join("\n"))
}

/// Discards its later output, so that it never blocks on a full pipe.
fn drain(lines: impl Iterator<Item = String> + Send + 'static) {
    thread::spawn(move || lines.for_each(drop));
}

impl Peer {
    /// The pattern to send to it, with its expected answer.
    pub(crate) fn pattern(&self, subject: &Subject) -> Pattern {
        Pattern::new(subject.line, self.passes)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of its process and running children.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        self.sum(processor_time).context("processor time")
    }

    /// Peak memory of its process and running children, in bytes.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        self.sum(peak_memory).context("peak memory")
    }

    /// Sums a figure over its process, which must run, and its children, which may have exited.
    fn sum<T: std::iter::Sum>(&self, of: fn(u32) -> std::io::Result<T>) -> anyhow::Result<T> {
        let own = of(self.id())?;
        let all = family(self.id())?;
        let children = all.into_iter().skip(1).filter_map(|id| of(id).ok());
        Ok([own].into_iter().chain(children).sum())
    }

    fn wait_for_listener(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let (name, address) = (&self.name, self.address);
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "{name} exited before it listened");
            ensure!(
                start.elapsed() < PATIENCE,
                "{name} does not listen on {address}"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it has exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
