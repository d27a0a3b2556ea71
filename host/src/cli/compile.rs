//! The hidden verb that compiles a plugin in a child process, started by this program itself.

use clap::Args;
use linemill_sandbox::plugin::compiler;

/// Compile a plugin from standard input, within these limits.
#[derive(Debug, Args)]
pub(super) struct Compile {
    /// Processor time, seconds
    time: u64,
    /// Memory, bytes
    memory: u64,
}

impl Compile {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match compiler::serve(self.time, self.memory)? {
            0 => Ok(()),
            status => std::process::exit(i32::from(status)),
        }
    }
}
