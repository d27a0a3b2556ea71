//! The `linemill` binary: parses the command line, starts logging, runs a verb, and prints its error.
//!
//! Exit status: 0 after success and after a drain, 1 when the verb failed, 2 when the command line is
//! invalid.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use linemill_config::Problems;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    linemill::telemetry::log::init();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Problems of a configuration bring their own shape.
            match error.downcast_ref::<Problems>() {
                Some(reports) => eprintln!("{reports}"),
                None => eprintln!("error: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}
