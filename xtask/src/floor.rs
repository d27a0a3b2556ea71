//! Versions that a build may not be below, for the sake of security.
//!
//! In: `security-floor.toml` and `Cargo.lock`. Out: nothing, or what is too old and why that
//! matters.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::workspace::Workspace;

#[derive(Deserialize)]
struct Floor {
    floor: String,
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

/// Compares what is locked with the floor.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let read = |name: &str| {
        let path = workspace.root().join(name);
        fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
    };
    let floors = toml::from_str(&read("security-floor.toml")?).context("security-floor.toml")?;
    let lock = toml::from_str(&read("Cargo.lock")?).context("Cargo.lock")?;
    let wrong = below(&floors, &lock)?;
    if !wrong.is_empty() {
        bail!("security-floor.toml is not kept:\n{}", wrong.join("\n"));
    }
    Ok(())
}

fn below(floors: &BTreeMap<String, Floor>, lock: &Lock) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (name, Floor { floor, why }) in floors {
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
                "  {name} is not in Cargo.lock: take it off the list"
            ));
        }
    }
    Ok(wrong)
}

/// Major, minor and patch. What follows a release number (`-rc.1`, `+build`) does not count.
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

    fn told(floor: &str, locked: &[(&str, &str)]) -> Vec<String> {
        let package = |(name, version): &(&str, &str)| Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
        };
        let floor = Floor {
            floor: floor.to_owned(),
            why: "a hole".to_owned(),
        };
        let lock = Lock {
            package: locked.iter().map(package).collect(),
        };
        below(&[("a".to_owned(), floor)].into(), &lock).expect("numbers")
    }

    #[test]
    fn each_locked_version_counts() {
        assert_eq!(told("1.10.2", &[("a", "1.10.2"), ("b", "0.1.0")]), [""; 0]);
        assert_eq!(told("1.10.2", &[("a", "2.0.0")]), [""; 0]);
        assert_eq!(
            told("1.10.2", &[("a", "1.9.9"), ("a", "1.11.0")]),
            ["  a 1.9.9 is below 1.10.2: a hole"]
        );
        assert_eq!(
            told("1.0.0", &[("b", "1.0.0")]),
            ["  a is not in Cargo.lock: take it off the list"]
        );
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(numbers("48.0.8").expect("numbers"), [48, 0, 8]);
        assert_eq!(numbers("1.2.3-rc.1+x").expect("numbers"), [1, 2, 3]);
        assert!(numbers("1.2").is_err() && numbers("1.2.x").is_err());
    }
}
