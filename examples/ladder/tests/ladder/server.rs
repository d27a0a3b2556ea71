//! A server under test: a rung of the ladder, or linemill. It listens on a free port and is killed
//! when dropped.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use linemill_tests::{Client, Host, Program, family, memory, processor_time};

/// The program under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fork,
    Busy,
    Select,
    Mio,
    Tokio,
    Linemill,
}

/// The settings with which a server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    Default,
    /// If the server has timeouts, it closes a client after 2 s of silence, or 2 s after a write
    /// made no progress.
    ShortTimeouts,
}

/// A running server.
pub(crate) struct Server {
    /// The address on which it listens.
    pub(crate) address: SocketAddr,
    process: Process,
}

enum Process {
    Rung(Program),
    Linemill(Host),
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) fn start(kind: Kind, settings: Settings) -> Self {
        // The case with many connections needs them, both here and in the server.
        linemill_tests::raise_descriptors(4096).expect("4096 open files");
        let path = match kind {
            Kind::Fork => env!("CARGO_BIN_EXE_ladder-fork"),
            Kind::Busy => env!("CARGO_BIN_EXE_ladder-busy"),
            Kind::Select => env!("CARGO_BIN_EXE_ladder-select"),
            Kind::Mio => env!("CARGO_BIN_EXE_ladder-mio"),
            Kind::Tokio => env!("CARGO_BIN_EXE_ladder-tokio"),
            Kind::Linemill => return Self::linemill(settings),
        };
        let mut command = Command::new(path);
        command.arg("127.0.0.1:0");
        if settings == Settings::ShortTimeouts {
            command.args(["2", "2"]);
        }
        let rung = Program::start(&mut command);
        let address = rung.announced("listening on ");
        Self {
            address: address.trim().parse().expect("an address follows"),
            process: Process::Rung(rung),
        }
    }

    fn linemill(settings: Settings) -> Self {
        let host = Host::with(match settings {
            Settings::Default => "",
            Settings::ShortTimeouts => "idle_timeout = \"2s\"\nwrite_timeout = \"2s\"",
        });
        Self {
            address: host.address(),
            process: Process::Linemill(host),
        }
    }

    /// Opens a connection.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The current resident memory in bytes, including that of child processes.
    pub(crate) fn memory(&self) -> u64 {
        match &self.process {
            Process::Linemill(host) => host.memory().resident,
            Process::Rung(rung) => family(rung.id())
                .expect("a list of processes")
                .into_iter()
                .filter_map(|id| memory(id).ok())
                .map(|memory| memory.resident)
                .sum(),
        }
    }

    /// The processor time used so far, excluding that of child processes.
    pub(crate) fn processor_time(&self) -> Duration {
        match &self.process {
            Process::Linemill(host) => host.processor_time(),
            Process::Rung(rung) => processor_time(rung.id()).expect("the rung is running"),
        }
    }
}
