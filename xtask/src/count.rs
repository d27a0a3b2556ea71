//! Compares the instructions that framing, calls into guests and chains execute with a committed
//! baseline. On shared machines, seconds vary too much to be compared.
//!
//! In: the cases of the host's bench `cost`, run under valgrind; `host/benches/cost/baseline.toml`.
//! Out: a line per case, and an error when a case executes more instructions than [`TOLERANCE`]
//! allows. Not here: what a case does.
//!
//! The cases are built as tests are, in the dev profile: dependencies and the framing crate are
//! optimised as in a release, the sandbox at level 2, and all of linemill has debug assertions. A
//! profile of its own would compile wasmtime once more.

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

use crate::{plugins, step::say, test, workspace::Workspace};
use baseline::{Baseline, MadeWith};
use valgrind::Valgrind;

/// By how many percent a count may exceed its baseline.
const TOLERANCE: f64 = 2.0;
/// Each case runs in two processes: this many times in one, and [`TIMES`] more in the other. The
/// difference is the case alone, without the start of the process and its guests.
const FEW: u64 = 4;
/// Runs that are counted. Starts differ by a few hundred instructions, which this many runs reduce
/// to far below the tolerance even in the smallest case.
const TIMES: u64 = 64;

/// Counts and compares; with `update`, writes the counts into the baseline instead.
pub(crate) fn run(workspace: &Workspace, update: bool) -> Result<()> {
    let Some(valgrind) = Valgrind::find()? else {
        say("instructions are not counted: valgrind's counts are for Linux on x86-64");
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

/// Builds the bench. Returns its path.
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
    cargo.args(["build", "--locked"]).args(test::TARGETS);
    cargo.arg("--message-format=json-render-diagnostics");
    say("building the bench");
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.context("starting cargo")?;
    ensure!(
        output.status.success(),
        "building the bench: {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("output of cargo")?;
    for line in text.lines() {
        let Message { executable, target } =
            serde_json::from_str(line).context("output of cargo")?;
        if let Some(executable) = executable
            && target.is_some_and(|target| target.name == "cost")
        {
            return Ok(executable);
        }
    }
    bail!("cargo built no bench `cost`")
}

/// Instructions of one run of each case.
fn count(
    workspace: &Workspace,
    valgrind: &Valgrind,
    program: &Path,
) -> Result<BTreeMap<String, u64>> {
    let names = Command::new(program).arg("count").output();
    let names = names.with_context(|| format!("starting {}", program.display()))?;
    ensure!(names.status.success(), "naming the cases: {}", names.status);
    let names = String::from_utf8(names.stdout).context("names of cases")?;
    say("counting instructions");
    // Plugins are compiled for valgrind's processor once, and cached apart from other processors'.
    let cache = workspace.target().join("count");
    let one = |name: &str| -> Result<(String, u64)> {
        let instructions = |times: u64, inputs: u64| {
            let mut case = valgrind.command();
            let numbers = [times, inputs].map(|number| number.to_string());
            case.arg(program).args(["count", name]).args(numbers);
            valgrind::instructions(case.env("LINEMILL_CACHE", &cache))
        };
        // Compiles the plugins that the case needs.
        instructions(0, 0)?;
        let most = FEW + TIMES;
        let (few, many) = (instructions(FEW, most)?, instructions(most, most)?);
        let more = many
            .checked_sub(few)
            .context("more runs executed fewer instructions")?;
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
