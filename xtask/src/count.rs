//! How many instructions framing, the boundary to guests and chains take, beside what was
//! committed: seconds are noise on shared machines.
//!
//! In: the cases of the host's bench `cost`, run under valgrind; `host/benches/cost/baseline.toml`.
//! Out: a line a case, and an error when one takes more than [`TOLERANCE`] allows. Not here: what
//! a case does.
//!
//! It is the build that tests use, the dev profile: dependencies are optimised as in a release, the
//! host is so at level 1 only and checks its debug assertions. Level 3, which a release has, would
//! take 200 seconds more of a processor here, and all of wasmtime if it were a profile of its own.

mod baseline;
mod valgrind;

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::{plugins, step::say, workspace::Workspace};
use baseline::{Baseline, MadeWith};
use valgrind::Valgrind;

/// How far a count may be from its baseline, in percent.
const TOLERANCE: f64 = 2.0;
/// Each case runs in two processes, in one this often, in the other so often and [`TIMES`] more:
/// what differs is the case alone, without the start of a process and of its guests.
const FEW: u64 = 4;
/// Runs that are counted: so many that the few hundred instructions by which starts differ are far
/// below the tolerance in the smallest case.
const TIMES: u64 = 64;
/// Counts, and compares; or, when asked to `update`, writes down what was counted.
pub(crate) fn run(workspace: &Workspace, update: bool) -> Result<()> {
    let Some(valgrind) = Valgrind::find()? else {
        say("instructions are not counted: that takes valgrind, and Linux on x86-64");
        return Ok(());
    };
    let guests = plugins::build(workspace)?.to_string();
    let made_with = MadeWith::here(workspace, &valgrind, guests)?;
    let program = build(workspace)?;
    let counted = count(workspace, &valgrind, &program)?;
    let path = workspace.root().join("host/benches/cost/baseline.toml");
    if update {
        Baseline::new(made_with, counted).write(&path)?;
        say(&format!("written: {}", path.display()));
        return Ok(());
    }
    let compared = Baseline::read(&path)?.compare(&made_with, &counted);
    eprint!("{compared}");
    ensure!(compared.holds(), "{}", compared.problem());
    Ok(())
}

/// Builds the bench, and gives back where it is.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }

    let mut cargo = workspace.cargo();
    // All there is, as for tests: dependencies have the same features, and nothing is built twice.
    cargo.args(["build", "--locked", "--workspace", "--all-targets"]);
    cargo.arg("--message-format=json-render-diagnostics");
    say("building the bench");
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.context("starting cargo")?;
    ensure!(
        output.status.success(),
        "building the bench: {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("what cargo says")?;
    for line in text.lines() {
        let Message { executable, target } =
            serde_json::from_str(line).context("what cargo says")?;
        if let Some(executable) = executable
            && target.is_some_and(|target| target.name == "cost")
        {
            return Ok(executable);
        }
    }
    bail!("cargo built no bench `cost`")
}

/// Instructions of each case, done once.
fn count(
    workspace: &Workspace,
    valgrind: &Valgrind,
    program: &Path,
) -> Result<BTreeMap<String, u64>> {
    let names = Command::new(program).arg("count").output();
    let names = names.with_context(|| format!("starting {}", program.display()))?;
    ensure!(names.status.success(), "naming the cases: {}", names.status);
    let names = String::from_utf8(names.stdout).context("the names of cases")?;
    say("counting instructions");
    // What valgrind's processor runs is compiled once, and kept apart from what others run.
    let cache = workspace.target().join("count");
    let one = |name: &str| -> Result<(String, u64)> {
        let instructions = |times: u64, inputs: u64| {
            let mut case = valgrind.command();
            let numbers = [times, inputs].map(|number| number.to_string());
            case.arg(program).args(["count", name]).args(numbers);
            valgrind::instructions(case.env("LINEMILL_CACHE", &cache))
        };
        // The first to need a plugin compiles it.
        instructions(0, 0)?;
        let most = FEW + TIMES;
        let (few, many) = (instructions(FEW, most)?, instructions(most, most)?);
        let more = many.checked_sub(few).context("counts make no sense")?;
        Ok((name.to_owned(), more / TIMES))
    };
    let waiting = Mutex::new(names.lines().collect::<VecDeque<_>>());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let work = || {
        std::iter::from_fn(next)
            .map(|name| one(name).with_context(|| name.to_owned()))
            .collect::<Result<Vec<_>>>()
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut counted = BTreeMap::new();
        for worker in workers {
            let Ok(some) = worker.join() else {
                bail!("counting panicked");
            };
            counted.extend(some?);
        }
        Ok(counted)
    })
}
