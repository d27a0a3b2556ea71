//! Fuzzing: random input to the parts of the host that parse untrusted bytes, for longer than tests do.
//!
//! In: a target (all of them by default), and for how long. Out: inputs that reached new code, in
//! `target/fuzz/corpus`; and the failure of the first target that failed, with its input. The
//! targets are the modules `fuzz` of the crates in `host/`, and `host/sandbox/src/smith_tests.rs`.

use std::{
    ffi::OsString,
    fs,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};

use crate::{plugins, step, workspace::Workspace};

/// Targets that libFuzzer runs, guided by code coverage.
const COVERED: [&str; 7] = [
    "framing", "octet", "auto", "config", "verdict", "admin", "proxy",
];
/// The target that makes modules, components and filters of random code; a test of the host runs it.
const SMITH: &str = "smith";
/// Runs per target by default.
const RUNS: u64 = 100_000;

/// What to fuzz, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzz {
    targets: Vec<&'static str>,
    bound: Bound,
}

/// When a target ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Runs(u64),
    Seconds(u64),
}

impl Fuzz {
    /// Parses `[TARGET] [--runs N | --time SECONDS]`.
    pub(crate) fn parse(arguments: &[OsString]) -> Result<Self, String> {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .collect();
        let mut rest = &arguments[..];
        let mut targets: Vec<&str> = COVERED.into_iter().chain([SMITH]).collect();
        if let [name, more @ ..] = rest
            && !name.starts_with("--")
        {
            let known = targets.join(", ");
            targets.retain(|target| target == name);
            if targets.is_empty() {
                return Err(format!("no target `{name}`; the targets are {known}"));
            }
            rest = more;
        }
        let number = |text: &str| match text.parse() {
            Ok(number @ 1..) => Ok(number),
            _ => Err(format!("`{text}` is not a number above 0")),
        };
        let bound = match rest {
            [] => Bound::Runs(RUNS),
            [how, much] if how == "--runs" => Bound::Runs(number(much)?),
            [how, much] if how == "--time" => Bound::Seconds(number(much)?),
            _ => return Err(format!("`fuzz` does not understand `{}`", rest.join(" "))),
        };
        Ok(Self { targets, bound })
    }
}

/// Runs the targets one after another.
pub(crate) fn run(workspace: &Workspace, fuzz: &Fuzz) -> Result<()> {
    plugins::build(workspace)?;
    for target in &fuzz.targets {
        match *target {
            SMITH => smith(workspace, fuzz.bound)?,
            target => covered(workspace, target, fuzz.bound)?,
        }
    }
    Ok(())
}

/// Runs a target by libFuzzer. Inputs that reach new code are kept for the next run.
fn covered(workspace: &Workspace, target: &str, bound: Bound) -> Result<()> {
    let there = workspace
        .cargo()
        .args(["fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !there.success() {
        bail!(
            "cargo-fuzz is not installed\nhint: `cargo install cargo-fuzz --locked`, which needs a C++ \
             compiler; `cargo xtask fuzz {SMITH}` and `cargo xtask test` need neither"
        );
    }
    let (source, out) = (
        workspace.root().join("tests/fuzz"),
        workspace.target().join("fuzz"),
    );
    let found = out.join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| found.display().to_string())?;
    let mut command = workspace.cargo();
    command
        .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
        .arg(&source)
        .arg("--target-dir")
        .arg(&out)
        .arg(target)
        .arg(&found)
        .arg(source.join("corpus").join(target));
    if target == "config" {
        command.arg(workspace.root().join("tests/golden/config"));
    }
    command.args(["--", "-timeout=60"]).arg(match bound {
        Bound::Runs(runs) => format!("-runs={runs}"),
        Bound::Seconds(seconds) => format!("-max_total_time={seconds}"),
    });
    // Coverage is an unstable option, and this is how a stable compiler accepts it.
    command.env("RUSTC_BOOTSTRAP", "1");
    step::run(&format!("fuzzing {target}"), &mut command)
}

/// Runs the target for random code, with a new seed each time.
fn smith(workspace: &Workspace, bound: Bound) -> Result<()> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (name, number) = match bound {
        Bound::Runs(runs) => ("LINEMILL_FUZZ_RUNS", runs),
        Bound::Seconds(seconds) => ("LINEMILL_FUZZ_SECONDS", seconds),
    };
    let mut command: Command = workspace.cargo();
    command
        .args([
            "test",
            // The whole workspace, as for other tests, so that dependencies get the same features.
            "--workspace",
            "--lib",
            "--",
            "--nocapture",
            "smith_tests",
        ])
        .env(name, number.to_string())
        .env("LINEMILL_FUZZ_SEED", seed.to_string());
    step::run(&format!("fuzzing {SMITH}, from seed {seed}"), &mut command)
}

#[cfg(test)]
mod tests {
    use super::{Bound, COVERED, Fuzz, RUNS, SMITH};

    fn parse(line: &str) -> Result<Fuzz, String> {
        let arguments: Vec<_> = line.split_whitespace().map(Into::into).collect();
        Fuzz::parse(&arguments)
    }

    #[test]
    fn all_targets_unless_one_is_named() {
        let all = parse("").expect("all");
        assert_eq!(all.targets.len(), COVERED.len() + 1);
        assert_eq!(all.bound, Bound::Runs(RUNS));
        let one = parse("smith --time 60").expect("one");
        assert_eq!((one.targets, one.bound), (vec![SMITH], Bound::Seconds(60)));
        assert_eq!(parse("--runs 7").expect("all").bound, Bound::Runs(7));
    }

    #[test]
    fn unknown_arguments_are_named() {
        let refused = |line| parse(line).expect_err("refused");
        assert!(refused("framng").contains("framing, octet"));
        assert!(refused("framing --runs many").contains("`many`"));
        assert!(refused("framing --time 0").contains("`0`"));
        assert!(refused("framing --runs").contains("--runs"));
    }

    #[test]
    fn each_target_is_a_program_with_a_corpus() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
        let manifest = std::fs::read_to_string(source.join("Cargo.toml")).expect("a manifest");
        for target in COVERED {
            assert!(
                manifest.contains(&format!("\nname = \"{target}\"\n")),
                "{target}"
            );
            assert!(source.join("corpus").join(target).is_dir(), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), COVERED.len());
    }
}
