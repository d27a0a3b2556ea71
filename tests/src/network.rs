//! A network of its own for a program: packets to and from it can be dropped without a word.
//!
//! In: commands. Out: the same, to be run on the other side of a virtual cable, and the addresses of
//! both sides. The network namespace goes away when this is dropped.
//! Not here: faults of single connections (`proxy`).

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::available;

/// A network namespace, connected with that of the tests.
#[derive(Debug)]
pub struct Network {
    name: String,
    ip: PathBuf,
    nft: PathBuf,
    here: Ipv4Addr,
    there: Ipv4Addr,
}

impl Network {
    /// A network with one address on each side.
    ///
    /// # Errors
    /// A sentence that says why there is none: only root may make one, and not everywhere.
    pub fn new() -> Result<Self, String> {
        /// The number of networks that this process has made.
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let (ip, nft) = (available("ip", "iproute2")?, available("nft", "nftables")?);
        let (id, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Four of the addresses that are reserved for tests of devices (RFC 2544, appendix C.2.2),
        // hardly the same as those of another process.
        let index = (id * 64 + number % 64) & 0x7fff;
        let base = u32::from(Ipv4Addr::new(198, 18, 0, 0)) | (index << 2);
        let network = Self {
            name: format!("linemill-{id}-{number}"),
            ip,
            nft,
            here: Ipv4Addr::from(base + 1),
            there: Ipv4Addr::from(base + 2),
        };
        let (name, outer) = (network.name.as_str(), format!("lm{id}-{number}"));
        let side = |address: Ipv4Addr| format!("{address}/30");
        network.ip(&["netns", "add", name])?;
        let cable = [
            "link", "add", &outer, "type", "veth", "peer", "name", "peer",
        ];
        network.ip(&[&cable[..], &["netns", name]].concat())?;
        network.ip(&["address", "add", &side(network.here), "dev", &outer])?;
        network.ip(&["link", "set", &outer, "up"])?;
        let inner = side(network.there);
        network.ip(&["-n", name, "address", "add", &inner, "dev", "peer"])?;
        network.ip(&["-n", name, "link", "set", "peer", "up"])?;
        for rule in [
            "add table inet cut",
            "add chain inet cut in { type filter hook input priority 0 ; }",
            "add chain inet cut out { type filter hook output priority 0 ; }",
        ] {
            network.filter(rule)?;
        }
        Ok(network)
    }

    /// The address at which programs in the network reach this side.
    pub fn here(&self) -> IpAddr {
        self.here.into()
    }

    /// The address of programs in the network.
    pub fn there(&self) -> IpAddr {
        self.there.into()
    }

    /// A command that runs `program` in the network.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.ip);
        // It becomes the program, and keeps its process id.
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Drops every packet from now on, without an answer.
    #[track_caller]
    pub fn cut(&self) {
        for chain in ["in", "out"] {
            let rule = format!("add rule inet cut {chain} drop");
            self.filter(&rule).expect("the chain is there");
        }
    }

    /// Drops no more packets.
    #[track_caller]
    pub fn heal(&self) {
        self.filter("flush table inet cut")
            .expect("the table is there");
    }

    fn filter(&self, rule: &str) -> Result<(), String> {
        run(self.command(&self.nft).args(rule.split(' ')))
    }

    fn ip(&self, args: &[&str]) -> Result<(), String> {
        run(Command::new(&self.ip).args(args))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Its end of the cable goes with it, and with that the other end. It fails if the namespace could
        // not be made.
        drop(self.ip(&["netns", "delete", &self.name]));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let first = said.lines().next().unwrap_or_default();
    Err(format!("{command:?}: {}: {first}", done.status))
}
