//! Dependencies as security requires them: not too old, and with the right features.
//!
//! In: `security-floor.toml`, `Cargo.lock`, and the features with which cargo resolves the host.
//! Out: nothing, or what differs and why that matters.

mod features;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::workspace::Workspace;

/// What `security-floor.toml` requires, by package.
type Floors = BTreeMap<String, Floor>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Floor {
    /// The oldest version that may be built.
    floor: String,
    /// Features that must be on in the host.
    #[serde(default)]
    features: Vec<String>,
    /// Features that must be off in the host.
    #[serde(default)]
    without: Vec<String>,
    why: String,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Compares what is locked and resolved with what is required.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let read = |name: &str| {
        let path = workspace.root().join(name);
        fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
    };
    let floors: Floors =
        toml::from_str(&read("security-floor.toml")?).context("security-floor.toml")?;
    let lock = toml::from_str(&read("Cargo.lock")?).context("Cargo.lock")?;
    let mut wrong = below(&floors, &lock)?;
    wrong.extend(features::wrong(&floors, &features::resolve(workspace)?));
    if !wrong.is_empty() {
        bail!(
            "dependencies do not meet security-floor.toml:\n{}",
            wrong.join("\n")
        );
    }
    Ok(())
}

/// Packages whose locked version is older than its floor.
fn below(floors: &Floors, lock: &Lock) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (name, Floor { floor, why, .. }) in floors {
        let least = numbers(floor).with_context(|| format!("the floor of {name}"))?;
        let mut locked = lock.package.iter().filter(|package| package.name == *name);
        let mut found = false;
        for package in &mut locked {
            found = true;
            let version = &package.version;
            if numbers(version).with_context(|| format!("{name} {version}"))? < least {
                wrong.push(format!("  {name} {version} is below {floor}: {why}"));
            }
        }
        if !found {
            wrong.push(format!(
                "  {name} is not in Cargo.lock: remove it from the list"
            ));
        }
    }
    Ok(wrong)
}

/// Major, minor and patch. A suffix (`-rc.1`, `+build`) is ignored.
fn numbers(version: &str) -> Result<[u64; 3]> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<u64> = plain.split('.').map(str::parse).collect::<Result<_, _>>()?;
    parts
        .try_into()
        .ok()
        .context("write it as MAJOR.MINOR.PATCH")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(floor: &str, locked: &[(&str, &str)]) -> Vec<String> {
        let package = |(name, version): &(&str, &str)| Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
        };
        let floor = Floor {
            floor: floor.to_owned(),
            why: "a hole".to_owned(),
            ..Floor::default()
        };
        let lock = Lock {
            package: locked.iter().map(package).collect(),
        };
        below(&[("a".to_owned(), floor)].into(), &lock).expect("numbers")
    }

    #[test]
    fn each_locked_version_counts() {
        assert_eq!(
            reported("1.10.2", &[("a", "1.10.2"), ("b", "0.1.0")]),
            [""; 0]
        );
        assert_eq!(reported("1.10.2", &[("a", "2.0.0")]), [""; 0]);
        assert_eq!(
            reported("1.10.2", &[("a", "1.9.9"), ("a", "1.11.0")]),
            ["  a 1.9.9 is below 1.10.2: a hole"]
        );
        assert_eq!(
            reported("1.0.0", &[("b", "1.0.0")]),
            ["  a is not in Cargo.lock: remove it from the list"]
        );
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(numbers("48.0.8").expect("numbers"), [48, 0, 8]);
        assert_eq!(numbers("1.2.3-rc.1+x").expect("numbers"), [1, 2, 3]);
        assert!(numbers("1.2").is_err() && numbers("1.2.x").is_err());
    }
}
