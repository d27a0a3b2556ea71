//! The upstream that outages strike, as a process of its own.
//!
//! In: where to listen, and a folder. Out: a file for each connection, with what it brought.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use linemill_tests::outage;

/// Options of the upstream.
#[derive(Debug, Args)]
pub(crate) struct Receive {
    /// Where it listens
    address: SocketAddr,
    /// Where its files go
    folder: PathBuf,
}

impl Receive {
    /// Receives until standard input ends.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        outage::receive(self.address, &self.folder)
    }
}
