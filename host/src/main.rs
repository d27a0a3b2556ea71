//! The `linemill` binary: parses the command line, starts logging, runs a verb, and prints its error.
//!
//! Exit status: 0 after success and after a drain, 1 when the verb failed, 2 when the command line is
//! invalid or when `pipe` went through but lines failed, 101 after a panic, 128 and the
//! number of the signal when a second signal ended a drain, or when a signal ended `top`.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use linemill::app::Aborted;
use linemill::panics::Panicked;

/// As in any program in Rust that panics.
const PANICKED: u8 = 101;
/// As a shell reports a program that a signal has ended; the number of the signal is added.
const SIGNALLED: u8 = 128;

fn main() -> ExitCode {
    linemill::file_size_limit::survive();
    let command = cli::Cli::parse();
    let done = linemill::log::init().map_err(anyhow::Error::from);
    // What has panicked is not used any more.
    let run = AssertUnwindSafe(|| command.run());
    let status = match done.map_or_else(|error| Ok(Err(error)), |()| catch_unwind(run)) {
        // The panic has been reported.
        Err(_) => ExitCode::from(PANICKED),
        Ok(done) => status_of(done),
    };
    linemill::log::flush();
    status
}

fn status_of(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::LinesFailed>() => ExitCode::from(2),
        Err(error) => {
            if let Some(cli::EndedBy(signal)) = error.downcast_ref() {
                return ExitCode::from(SIGNALLED + signal);
            }
            cli::complain_of(&error);
            let aborted = error.downcast_ref::<Aborted>();
            match aborted {
                Some(Aborted(signal)) => ExitCode::from(signal.status()),
                None if error.is::<Panicked>() => ExitCode::from(PANICKED),
                None => ExitCode::FAILURE,
            }
        }
    }
}
