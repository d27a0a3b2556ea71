//! `cargo xtask TASK`: the development tasks, for people and for CI.
//!
//! In: a task's name and arguments. Out: the task's effect, a line on standard error for each step,
//! and an exit status. Steps run cargo or call `linemill-guest-build`; this program orders them, and
//! installs missing tools (`acquire`).

#![forbid(unsafe_code)]

mod acquire;
mod bench;
mod book;
mod ci;
mod count;
mod engines;
mod floor;
mod fuzz;
mod host;
mod markdown;
mod pages;
mod plugins;
mod soak;
mod step;
mod task;
mod test;
mod workspace;

use std::{env, process::ExitCode};

use task::Task;
use workspace::Workspace;

fn main() -> ExitCode {
    let task = match Task::parse(env::args_os().skip(1)) {
        Ok(task) => task,
        Err(problem) => {
            eprintln!("error: {problem}\n\n{}", task::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&task) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<ExitCode> {
    if matches!(task, Task::Help) {
        print!("{}", task::USAGE);
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find()?;
    match task {
        Task::Help => {}
        Task::Plugins => drop(plugins::build(&workspace)?),
        Task::Build(profile) => drop(host::build(&workspace, *profile)?),
        Task::Serve(profile, arguments) => return host::serve(&workspace, *profile, arguments),
        Task::Test(arguments) => test::all(&workspace, arguments)?,
        Task::Ci => ci::all(&workspace)?,
        Task::Book => book::build(&workspace)?,
        Task::Count { update } => count::run(&workspace, *update)?,
        Task::Bench(arguments) => return bench::run(&workspace, arguments),
        Task::Engines(arguments) => return engines::run(&workspace, arguments),
        Task::Fuzz(fuzz) => fuzz::run(&workspace, fuzz)?,
        Task::Soak(arguments) => return soak::run(&workspace, arguments),
    }
    Ok(ExitCode::SUCCESS)
}
