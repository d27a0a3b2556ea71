//! Features of dependencies in the host's build.
//!
//! In: `cargo tree`, since only cargo's resolver knows which features a build gets; and the
//! requirements. Out: a line per package that lacks a feature or has a forbidden one.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::Floors;
use crate::workspace::Workspace;

/// Enabled features, one set per build of a package.
type Resolved = BTreeMap<String, Vec<BTreeSet<String>>>;

/// The host's package.
const HOST: &str = "linemill";

/// Asks cargo for the features with which it builds the host's dependencies. Features that only
/// tests or build scripts enable do not count.
pub(super) fn resolve(workspace: &Workspace) -> Result<Resolved> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["tree", "--locked", "--package", HOST])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none"])
        .args(["--format", "{p}\t{f}"]);
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.context("starting cargo tree")?;
    ensure!(output.status.success(), "cargo tree: {}", output.status);
    let text = String::from_utf8(output.stdout).context("output of cargo tree")?;
    Ok(read(&text))
}

/// Reads lines such as `wasmtime v48.0.8\tgc,threads (*)`.
fn read(tree: &str) -> Resolved {
    let mut resolved = Resolved::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('\t').unwrap_or((line, ""));
        let name = package.split(' ').next().unwrap_or_default();
        let features = features.strip_suffix(" (*)").unwrap_or(features);
        let features: BTreeSet<_> = features
            .split(',')
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect();
        let builds = resolved.entry(name.to_owned()).or_default();
        if !builds.contains(&features) {
            builds.push(features);
        }
    }
    resolved
}

/// Packages whose features are not as required.
pub(super) fn wrong(floors: &Floors, resolved: &Resolved) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, floor) in floors {
        if floor.features.is_empty() && floor.without.is_empty() {
            continue;
        }
        let why = &floor.why;
        let Some(builds) = resolved.get(name) else {
            wrong.push(format!("  {HOST} does not depend on {name}: {why}"));
            continue;
        };
        for enabled in builds {
            for feature in &floor.features {
                if !enabled.contains(feature) {
                    wrong.push(format!("  {name} is built without `{feature}`: {why}"));
                }
            }
            for feature in &floor.without {
                if enabled.contains(feature) {
                    wrong.push(format!("  {name} is built with `{feature}`: {why}"));
                }
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::{read, wrong};
    use crate::floor::{Floor, Floors};

    fn floors() -> Floors {
        let floor = Floor {
            features: vec!["gc".to_owned(), "threads".to_owned()],
            without: vec!["component-model-async".to_owned()],
            why: "a hole".to_owned(),
            ..Floor::default()
        };
        [
            ("wasmtime".to_owned(), floor),
            ("tokio".to_owned(), Floor::default()),
        ]
        .into()
    }

    fn reported(tree: &str) -> Vec<String> {
        wrong(&floors(), &read(tree))
    }

    #[test]
    fn required_features_are_on_and_forbidden_ones_off() {
        let good = "linemill v0.1.0 (/host)\t\nwasmtime v48.0.8\tgc,gc-null,threads\n\
                    wasmtime v48.0.8\tgc,gc-null,threads (*)\n";
        assert_eq!(reported(good), [""; 0]);
        assert_eq!(
            reported("wasmtime v48.0.8\tgc-null,threads\n"),
            ["  wasmtime is built without `gc`: a hole"],
        );
        assert_eq!(
            reported("wasmtime v48.0.8\tcomponent-model-async,gc,threads (*)\n"),
            ["  wasmtime is built with `component-model-async`: a hole"],
        );
    }

    #[test]
    fn every_build_of_a_package_is_checked() {
        let both = "wasmtime v48.0.8\tgc,threads\nwasmtime v48.0.8\tgc\n";
        assert_eq!(
            reported(both),
            ["  wasmtime is built without `threads`: a hole"],
        );
    }

    #[test]
    fn a_package_that_the_host_does_not_use_is_reported() {
        assert_eq!(
            reported("linemill v0.1.0 (/host)\t\n"),
            ["  linemill does not depend on wasmtime: a hole"],
        );
    }
}
