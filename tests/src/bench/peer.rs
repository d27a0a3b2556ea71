//! Peers: servers that answer each line, as child processes.
//!
//! To add one, give [`Subject::launches`] another [`Launch`]: a command that announces `listening on ADDR`
//! on its standard error, as linemill does.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::Folder;

use crate::pattern::Pattern;

/// The name of linemill among the peers.
pub(crate) const LINEMILL: &str = "linemill";

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// The linemill to measure
    #[arg(long, default_value = "target/release/linemill")]
    linemill: PathBuf,
    /// Filters of the chain, separated by commas; the bench knows what `rot13` makes of a line
    #[arg(long, default_value = "rot13", value_delimiter = ',')]
    chain: Vec<String>,
    /// Bytes of a line, terminator not counted
    #[arg(long, default_value_t = 80)]
    pub(crate) line: usize,
}

/// A peer that can be started.
pub(crate) struct Launch {
    name: &'static str,
    command: Command,
}

/// A peer that listens. It is killed when dropped.
pub(crate) struct Peer {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Subject {
    /// All peers, the one that the others are compared with first.
    pub(crate) fn launches(&self) -> anyhow::Result<Vec<Launch>> {
        Ok(vec![self.native()?, self.linemill()?])
    }

    /// linemill itself.
    pub(crate) fn linemill(&self) -> anyhow::Result<Launch> {
        ensure!(
            self.linemill.is_file(),
            "{} is missing\nhint: build it with `cargo build --release -p linemill`, or name another with --linemill",
            self.linemill.display()
        );
        let mut command = Command::new(&self.linemill);
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--chain",
            &self.chain.join(","),
        ]);
        Ok(Launch {
            name: LINEMILL,
            command,
        })
    }

    /// linemill itself, its only listener with more keys, in `folder`.
    pub(crate) fn configured(&self, folder: &Folder, listener: &str) -> anyhow::Result<Launch> {
        let chain: Vec<String> = self.chain.iter().map(|name| format!("{name:?}")).collect();
        let config = format!(
            "[[listener]]\nname = \"bench\"\nbind = \"127.0.0.1:0\"\nchain = [{}]\n{listener}\n",
            chain.join(", ")
        );
        let path = folder.write("linemill.toml", config);
        let mut launch = self.linemill()?;
        launch.command = Command::new(launch.command.get_program());
        launch
            .command
            .args(["serve".as_ref(), "--config".as_ref(), path.as_os_str()]);
        Ok(launch)
    }

    /// Both over TLS, with the certificate that [`identity`](crate::session::identity) has written
    /// to `folder`: an echo that does no more than rustls does, and linemill.
    pub(crate) fn tls_launches(&self, folder: &Folder) -> anyhow::Result<Vec<Launch>> {
        let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
        let mut echo = Command::new(std::env::current_exe().context("the bench's own path")?);
        echo.args(["native", "--passes", "0", "--tls"])
            .arg(folder.path());
        let echo = Launch {
            name: "rustls echo",
            command: echo,
        };
        Ok(vec![echo, self.configured(folder, tls)?])
    }

    fn native(&self) -> anyhow::Result<Launch> {
        let mut command = Command::new(std::env::current_exe().context("the bench's own path")?);
        command.args(["native", "--passes", &self.passes()?.to_string()]);
        Ok(Launch {
            name: "native",
            command,
        })
    }

    /// What is sent and what must come back.
    pub(crate) fn pattern(&self) -> anyhow::Result<Pattern> {
        Ok(Pattern::new(self.line, self.passes()?))
    }

    fn passes(&self) -> anyhow::Result<u32> {
        let unknown = self.chain.iter().find(|name| *name != "rot13");
        ensure!(
            unknown.is_none(),
            "the bench cannot tell what {unknown:?} makes of a line\nhint: only rot13 is known"
        );
        Ok(u32::try_from(self.chain.len())?)
    }
}

impl Launch {
    /// Starts it and waits until it listens.
    pub(crate) fn start(mut self) -> anyhow::Result<Peer> {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("start {:?}", self.command))?;
        let stderr = child.stderr.take().context("standard error is piped")?;
        // From here on the child is killed whatever happens.
        let mut peer = Peer {
            name: self.name,
            address: SocketAddr::from(([0; 4], 0)),
            child,
        };
        let mut lines = BufReader::new(stderr).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line.with_context(|| format!("what {} says", peer.name))?;
            if let Some(address) = line.strip_prefix("listening on ") {
                peer.address = address
                    .trim()
                    .parse()
                    .with_context(|| format!("{} says {line:?}", peer.name))?;
                // What it says later is nobody's business, but must not block it.
                thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Ok(peer);
            }
            said.push(line);
        }
        anyhow::bail!(
            "{} ended before it listened:\n{}",
            peer.name,
            said.join("\n")
        )
    }
}

impl Peer {
    /// What is sent to it and what must come back.
    pub(crate) fn pattern(&self, subject: &Subject) -> anyhow::Result<Pattern> {
        match self.name {
            LINEMILL => subject.pattern(),
            _ => Ok(Pattern::new(subject.line, 0)),
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
