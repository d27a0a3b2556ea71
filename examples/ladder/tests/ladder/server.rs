//! A server under test: a rung, or linemill, on a port of its own. It is killed when dropped.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use linemill_tests::{Client, Host, Program, family, memory, processor_time};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fork,
    Busy,
    Select,
    Mio,
    Tokio,
    Linemill,
}

/// How it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    Default,
    /// A client that is silent, or takes nothing of what is owed, is closed after 2 s, where the
    /// server can be told so.
    Impatient,
}

/// One that runs.
pub(crate) struct Server {
    /// Where it accepts.
    pub(crate) address: SocketAddr,
    process: Process,
}

enum Process {
    Rung(Program),
    Linemill(Host),
}

impl Server {
    /// Starts one and waits until it accepts.
    pub(crate) fn start(kind: Kind, settings: Settings) -> Self {
        // For the case with many connections, here and in the server.
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
        if settings == Settings::Impatient {
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
            Settings::Impatient => "idle_timeout = \"2s\"\nwrite_timeout = \"2s\"",
        });
        Self {
            address: host.address(),
            process: Process::Linemill(host),
        }
    }

    /// A new connection.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Resident memory now, with that of children.
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

    /// Processor time used so far, without that of children.
    pub(crate) fn processor_time(&self) -> Duration {
        match &self.process {
            Process::Linemill(host) => host.processor_time(),
            Process::Rung(rung) => processor_time(rung.id()).expect("it runs"),
        }
    }
}
