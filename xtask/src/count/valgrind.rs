//! valgrind: found, or installed where that can be; and what it counts.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::acquire::install_packages;

const PACKAGE: &str = "valgrind";

/// valgrind is here.
pub(crate) struct Valgrind {
    /// Such as `3.19.0`.
    pub(crate) version: String,
}

impl Valgrind {
    /// Finds it. `None` where it cannot be, or its counts would have nothing to be compared with.
    ///
    /// On Linux it is one command away, so its absence is an error there: a guard that is left out
    /// where it could stand guards nothing.
    pub(crate) fn find() -> Result<Option<Self>> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(None);
        }
        let mut here = look();
        if here.is_none() {
            if let Err(problem) = install_packages(&[PACKAGE]) {
                bail!(
                    "valgrind, which counts instructions, is not here\n  tried: {problem}\n\
                     hint: on Debian, as root:\n    apt-get update && apt-get install \
                     --no-install-recommends {PACKAGE}"
                );
            }
            here = look();
        }
        let here = here.context("valgrind was installed, but does not start")?;
        Ok(Some(here))
    }

    /// valgrind, before the program that it is to run. Its processor is the same one on every
    /// machine, but for what the real one lacks.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("valgrind");
        command.args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
            // Guests are compiled while the program runs.
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

/// Runs a program to its end, and says how many instructions that took.
pub(crate) fn instructions(command: &mut Command) -> Result<u64> {
    let output = command.output().context("starting valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}:\n{told}", output.status);
    read(&told).with_context(|| format!("valgrind counted nothing:\n{told}"))
}

/// The line of cachegrind's summary that counts instructions.
fn read(told: &str) -> Option<u64> {
    let count = told
        .lines()
        .find_map(|line| Some(line.split_once("I   refs:")?.1))?;
    count.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_count_is_read_from_the_summary() {
        let told = "==7== Cachegrind, a cache and branch-prediction profiler\n\
                    error: I refs\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(super::read(told), Some(1_234_567));
        assert_eq!(super::read("==7== I   refs:      many"), None);
        assert_eq!(super::read("==7== Cachegrind"), None);
    }
}
