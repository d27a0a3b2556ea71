//! valgrind: finding or installing it, and reading its counts.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::acquire::install_packages;

const PACKAGE: &str = "valgrind";

/// An installed valgrind.
pub(crate) struct Valgrind {
    /// Such as `3.19.0`.
    pub(crate) version: String,
}

impl Valgrind {
    /// Finds valgrind, or installs it where that is allowed. `None` on systems other than Linux on
    /// x86-64, for which the baseline has no counts.
    ///
    /// # Errors
    /// valgrind is missing on Linux. It is one command away there, and skipping the check would
    /// make it worthless.
    pub(crate) fn find() -> Result<Option<Self>> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(None);
        }
        let mut here = look();
        if here.is_none() {
            if let Err(problem) = install_packages(&[PACKAGE]) {
                bail!(
                    "valgrind, which counts instructions, is not installed\n  tried: {problem}\n\
                     hint: on Debian, as root:\n    apt-get update && apt-get install \
                     --no-install-recommends {PACKAGE}"
                );
            }
            here = look();
        }
        let here = here.context("valgrind was installed, but does not start")?;
        Ok(Some(here))
    }

    /// The command line up to the program that valgrind runs. The processor it simulates is the
    /// same on every machine, minus extensions that the real one lacks.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("valgrind");
        command.args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
            // Guests are compiled to machine code while the program runs.
            "--smc-check=all-non-file",
        ]);
        command
    }
}

fn look() -> Option<Valgrind> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.trim().strip_prefix("valgrind-")?.to_owned();
    Some(Valgrind { version })
}

/// Runs a program to its end. Returns the number of instructions that it executed.
pub(crate) fn instructions(command: &mut Command) -> Result<u64> {
    let output = command.output().context("starting valgrind")?;
    let summary = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}:\n{summary}", output.status);
    read(&summary).with_context(|| format!("valgrind counted nothing:\n{summary}"))
}

/// Reads the number of instructions from cachegrind's summary.
fn read(summary: &str) -> Option<u64> {
    let count = summary
        .lines()
        .find_map(|line| Some(line.split_once("I   refs:")?.1))?;
    count.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_count_is_read_from_the_summary() {
        let summary = "==7== Cachegrind, a cache and branch-prediction profiler\n\
                    error: I refs\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(super::read(summary), Some(1_234_567));
        assert_eq!(super::read("==7== I   refs:      many"), None);
        assert_eq!(super::read("==7== Cachegrind"), None);
    }
}
