//! `linemill serve`: runs the host.

use std::path::PathBuf;

use clap::Args;
use linemill::control::origin::Origin;
use linemill_config::settings::{Address, Grant};
use linemill_config::split_chain;

use super::plugin::grant;

/// Serve connections
///
/// Accepts connections and runs each of their lines through a chain of filters. Without --config:
/// ROT13 on 127.0.0.1:40713. Prints `listening on ADDR` on standard error for each listener that
/// accepts connections.
///
/// When the configuration file changes, or on SIGHUP, live connections switch to the new filters
/// between two lines. An invalid configuration changes nothing. On SIGTERM, SIGINT or SIGQUIT, linemill
/// stops accepting, finishes the lines that it has read (within the grace period), and exits with status
/// 0. A second one ends it at once.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill serve --config config/linemill.toml
  linemill serve --chain 'grep{keep=[\"ERROR\"]},redact'

Exit status:
  0    stopped by a signal, and drained
  1    could not start
  2    the command line is invalid
  101  a bug in linemill: part of it panicked, and it has ended for that
  130, 131, 143
       a second signal (SIGINT, SIGQUIT, SIGTERM) ended it before it had drained")]
pub(super) struct Serve {
    /// Configuration file; see config/linemill.toml for every key and its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the only listener: IP:PORT, [IPv6]:PORT; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: Option<Address>,
    /// Chain of the only listener: names of filters, bundled plugins, or paths to .wasm files, each with its
    /// settings in braces if it needs some
    #[arg(long, value_name = "A,B")]
    chain: Option<String>,
    /// What filters that only --chain defines may import, such as clock,store
    #[arg(long, value_name = "GRANTS", value_delimiter = ',', value_parser = grant, requires = "chain")]
    grant: Vec<Grant>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self {
            config,
            listen,
            chain,
            grant,
        } = self;
        let chain = chain.map(|list| split_chain(&list).into_iter().map(str::to_owned).collect());
        super::block_on(linemill::app::run(Origin {
            config,
            listen,
            chain,
            grant,
        }))
    }
}
