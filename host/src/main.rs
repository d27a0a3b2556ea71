//! The `linemill` binary: parses the command line, starts logging, runs a verb, and prints its error.
//!
//! Exit status: 0 after success and after a drain, 1 when the verb failed, 2 when the command line is
//! invalid or when `pipe` went through but lines failed.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use linemill_config::{Problem, Problems};

fn main() -> ExitCode {
    linemill::file_size_limit::survive();
    let command = cli::Cli::parse();
    linemill::log::init();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::LinesFailed>() => ExitCode::from(2),
        Err(error) => {
            // Problems have a form of their own, with places and hints.
            match (
                error.downcast_ref::<Problems>(),
                error.downcast_ref::<Problem>(),
            ) {
                (Some(problems), _) => eprintln!("{problems}"),
                (None, Some(problem)) => eprintln!("{problem}"),
                (None, None) => eprintln!("error: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}
