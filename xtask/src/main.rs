//! Set-up, build, run, test, CI, bench, engines, soak, count, fuzz: one command surface for people and for CI.
//!
//! In: `cargo xtask TASK`. Out: the task's effect, a line on standard error for each step, and an
//! exit status. What each step means is cargo's or `linemill-guest-build`'s; this only orders them.

#![forbid(unsafe_code)]

mod acquire;
mod bench;
mod ci;
mod count;
mod engines;
mod floor;
mod fuzz;
mod host;
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
        Task::Count { update } => count::run(&workspace, *update)?,
        Task::Bench(arguments) => return bench::run(&workspace, arguments),
        Task::Engines(arguments) => return engines::run(&workspace, arguments),
        Task::Fuzz(fuzz) => fuzz::run(&workspace, fuzz)?,
        Task::Soak(arguments) => return soak::run(&workspace, arguments),
    }
    Ok(ExitCode::SUCCESS)
}
