//! The command line: one file per verb, and what several verbs share.
//!
//! In: arguments. Out: a verb that has run. Not here: exit statuses and error output (`main`).

mod bench;
mod build;
mod check;
mod compile;
mod filters;
mod help;
mod inspect;
mod log;
mod man;
mod new;
mod output;
mod pipe;
mod plugin;
mod promote;
mod reload;
mod replay;
mod rollback;
mod running;
mod schema;
mod serve;
mod status;
mod tap;
mod top;

use clap::{Parser, Subcommand};
use linemill_sandbox::plugin::compiler::VERB;

pub(crate) use output::complain_of;

/// Runs every line of a stream through sandboxed WebAssembly filters.
///
/// Lines come from sockets (`serve`) or standard input (`pipe`), pass through a chain of filters, and
/// go back to the client or on to standard output. A filter is a WebAssembly component that sees only
/// the lines, and nothing of your machine. When you change the configuration while `serve` runs, live
/// connections switch to the new filters between two lines.
#[derive(Debug, Parser)]
#[command(
    name = "linemill",
    version = linemill::version::long(),
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = AFTER
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "Try it:
  printf 'Hello\\n' | linemill pipe            # Uryyb
  linemill serve                              # ROT13 on 127.0.0.1:40713

Environment:
  LINEMILL_LOG          log level on standard error: off, error, warn, info (default), debug, trace;
                        `serve` prefers it to `log.level` of its configuration
  LINEMILL_ADMIN_TOKEN  the `admin_token` of the host that a verb connects to
  LINEMILL_CACHE        folder for compiled plugins; `off` disables the cache";

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Pipe(pipe::Pipe),
    Check(check::Check),
    Schema(schema::Schema),
    Inspect(inspect::Inspect),
    Filters(filters::Filters),
    Help(help::Help),
    New(new::New),
    Build(build::Build),
    Bench(bench::Bench),
    Status(status::Status),
    Reload(reload::Reload),
    Log(log::Log),
    Replay(replay::Replay),
    Promote(promote::Promote),
    Rollback(rollback::Rollback),
    Completions(man::Completions),
    Man(man::Pages),
    #[command(hide = true, name = VERB)]
    Compile(compile::Compile),
    Tap(tap::Tap),
    Top(top::Top),
}

impl Cli {
    /// Runs the verb.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Serve(verb) => verb.run(),
            Verb::Pipe(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Schema(verb) => verb.run(),
            Verb::Inspect(verb) => verb.run(),
            Verb::Filters(verb) => verb.run(),
            Verb::Help(verb) => verb.run(),
            Verb::New(verb) => verb.run(),
            Verb::Build(verb) => verb.run(),
            Verb::Bench(verb) => verb.run(),
            Verb::Status(verb) => verb.run(),
            Verb::Reload(verb) => verb.run(),
            Verb::Log(verb) => verb.run(),
            Verb::Replay(verb) => verb.run(),
            Verb::Promote(verb) => verb.run(),
            Verb::Rollback(verb) => verb.run(),
            Verb::Completions(verb) => verb.run(),
            Verb::Man(verb) => verb.run(),
            Verb::Compile(verb) => verb.run(),
            Verb::Tap(verb) => verb.run(),
            Verb::Top(verb) => verb.run(),
        }
    }
}

/// A verb has done its work, but lines failed, were cut or were dropped; it has reported which.
#[derive(Debug, thiserror::Error)]
#[error("lines failed")]
pub(crate) struct LinesFailed;

/// A signal has ended a verb, which has nothing to report.
#[derive(Debug, thiserror::Error)]
#[error("ended by signal {0}")]
pub(crate) struct EndedBy(pub(crate) u8);

/// Runs `task` on a multi-threaded runtime. Does not wait for blocking threads at the end: one may be
/// blocked in a read of standard input.
fn block_on<T>(task: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(task);
    runtime.shutdown_background();
    done
}
