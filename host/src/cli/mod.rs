//! The command line: one file per verb.

mod bench;
mod build;
mod check;
mod inspect;
mod new;
mod pipe;
mod plugin;
mod promote;
mod reload;
mod replay;
mod rollback;
mod running;
mod serve;
mod status;

use clap::{Args, Parser, Subcommand};
use linemill_sandbox::plugin::compiler::{self, VERB};

/// Runs every line of a stream through sandboxed WebAssembly filters.
///
/// Lines come from sockets (`serve`) or standard input (`pipe`), go through a chain of filters,
/// and go back to the client or on to standard output. A filter is a WebAssembly component: it
/// sees lines and nothing else of your machine. While `serve` runs, change its configuration file
/// and live connections go over to the new filters between two lines.
#[derive(Debug, Parser)]
#[command(name = "linemill", version, arg_required_else_help = true, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "Try it:
  printf 'Hello\\n' | linemill pipe            # Uryyb
  linemill serve                              # ROT13 on 127.0.0.1:40713

Not there yet: tap and top.

LINEMILL_LOG sets what is logged to standard error: error, warn, info (default), debug, trace.
LINEMILL_ADMIN_TOKEN is what a host with `admin_token` wants from verbs that ask it.
LINEMILL_CACHE names the folder for compiled plugins; `off` keeps none.";

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Pipe(pipe::Pipe),
    Check(check::Check),
    Inspect(inspect::Inspect),
    New(new::New),
    Build(build::Build),
    Bench(bench::Bench),
    Status(status::Status),
    Reload(reload::Reload),
    Replay(replay::Replay),
    Promote(promote::Promote),
    Rollback(rollback::Rollback),
    /// The process that compiles a plugin for another one of this program.
    #[command(hide = true, name = VERB)]
    Compile {
        time: u64,
        memory: u64,
    },
    #[command(hide = true)]
    Tap(NotYet),
    #[command(hide = true)]
    Top(NotYet),
}

/// A verb of a later version: says so, whatever else was written.
#[derive(Debug, Args)]
struct NotYet {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl Cli {
    /// Does what was asked for.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Serve(verb) => verb.run(),
            Verb::Pipe(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Inspect(verb) => verb.run(),
            Verb::New(verb) => verb.run(),
            Verb::Build(verb) => verb.run(),
            Verb::Bench(verb) => verb.run(),
            Verb::Status(verb) => verb.run(),
            Verb::Reload(verb) => verb.run(),
            Verb::Replay(verb) => verb.run(),
            Verb::Promote(verb) => verb.run(),
            Verb::Rollback(verb) => verb.run(),
            Verb::Compile { time, memory } => match compiler::serve(time, memory)? {
                0 => Ok(()),
                status => std::process::exit(i32::from(status)),
            },
            Verb::Tap(_) | Verb::Top(_) => Err(plugin::hinted(
                "not yet: `linemill tap` and `linemill top`",
                "`linemill status` shows what is in force; /metrics of the admin address counts",
            )),
        }
    }
}

/// The runtime that verbs run on. Its blocking threads are not waited for: one may be stuck in a
/// read of standard input.
fn block_on<T>(task: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(task);
    runtime.shutdown_background();
    done
}
