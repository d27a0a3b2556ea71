//! More peers: the rungs of the ladder, and any other server.
//!
//! In: options. Out: how to launch each of them. Not here: starting and stopping them (`peer`).

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::peer::Launch;

/// The rungs that are servers, in the ladder's order.
const RUNGS: [&str; 5] = ["fork", "busy", "select", "mio", "tokio"];

/// Options that name more peers.
#[derive(Debug, Args)]
pub(crate) struct Others {
    /// Include the rungs of the ladder: examples/ladder, built into the same folder as this program
    #[arg(long)]
    ladder: bool,
    /// Another server that turns each line once: its name, its port, and the program with its
    /// arguments, separated by spaces. The bench starts and stops it for each measurement
    #[arg(long = "peer", value_name = "NAME=PORT:COMMAND")]
    peers: Vec<Other>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    name: String,
    port: u16,
    command: Vec<String>,
}

impl Others {
    /// The peers that were requested. They turn each line once.
    pub(crate) fn launches(&self) -> anyhow::Result<Vec<Launch>> {
        let mut launches = Vec::new();
        for rung in RUNGS.iter().filter(|_| self.ladder) {
            let name = format!("ladder-{rung}");
            let own = std::env::current_exe().context("the bench's own path")?;
            let path = own
                .with_file_name(&name)
                .with_extension(std::env::consts::EXE_EXTENSION);
            ensure!(
                path.is_file(),
                "{} is missing\nhint: build it with `cargo build --release -p linemill-ladder`",
                path.display()
            );
            let mut command = Command::new(path);
            command.arg("127.0.0.1:0");
            launches.push(Launch::announced(name, 1, command));
        }
        for other in &self.peers {
            let mut words = other.command.iter();
            let mut command = Command::new(words.next().context("a program")?);
            command.args(words);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, other.port));
            launches.push(Launch::at(other.name.clone(), 1, command, address));
        }
        Ok(launches)
    }

    /// Whether any were requested.
    pub(crate) fn any(&self) -> bool {
        self.ladder || !self.peers.is_empty()
    }
}

impl FromStr for Other {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not NAME=PORT:COMMAND, such as `mine=4000:./server --fast`");
        let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (port, command) = rest.split_once(':').ok_or_else(wrong)?;
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        match port.parse() {
            Ok(port @ 1..) if !name.is_empty() && !command.is_empty() => Ok(Self {
                name: name.to_owned(),
                port,
                command,
            }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Other;

    #[test]
    fn another_server_is_a_name_a_port_and_a_command() {
        let found: Other = "c=40713:./server --a=b:c".parse().expect("a valid peer");
        let expected = Other {
            name: "c".to_owned(),
            port: 40713,
            command: vec!["./server".to_owned(), "--a=b:c".to_owned()],
        };
        assert_eq!(found, expected);
        for wrong in [
            "",
            "c",
            "c=1",
            "c=x:y",
            "c=0:y",
            "=1:y",
            "c=1:",
            "c=70000:y",
        ] {
            assert!(wrong.parse::<Other>().is_err(), "{wrong}");
        }
    }
}
