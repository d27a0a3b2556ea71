//! The `linemill` binary: parses the command line, starts logging, runs a verb, and prints its error.
//!
//! Exit status: 0 after success and after a drain, 1 when the verb failed, 2 when the command line is
//! invalid or when `pipe` went through but lines failed.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    linemill::file_size_limit::survive();
    let command = cli::Cli::parse();
    let done = linemill::log::init().map_err(anyhow::Error::from);
    let status = match done.and_then(|()| command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::LinesFailed>() => ExitCode::from(2),
        Err(error) => {
            cli::complain_of(&error);
            ExitCode::FAILURE
        }
    };
    linemill::log::flush();
    status
}
