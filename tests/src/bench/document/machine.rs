//! The machine that figures are of, as far as it matters for them: no names of hosts, users or folders.
//!
//! In: Linux's `/proc`, the versions that this checkout's `Cargo.lock` names, and what programs say
//! of themselves. What cannot be found is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// Crates whose versions matter.
const CRATES: [&str; 3] = ["mio", "tokio", "wasmtime"];

/// What figures are of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// The processor's model.
    pub(crate) processor: String,
    /// Logical cores that this program may use; servers and their clients share them.
    pub(crate) cores: usize,
    /// The operating system's kernel.
    pub(crate) kernel: String,
    /// Memory in all.
    pub(crate) memory: String,
    /// Versions of programs and crates.
    pub(crate) versions: BTreeMap<String, String>,
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

impl Machine {
    /// This one, with `linemill` the program that is measured.
    pub(crate) fn here(linemill: &Path) -> Self {
        let unknown = || "unknown".to_owned();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let release = read("/proc/sys/kernel/osrelease");
        let mut versions = locked(&read("Cargo.lock"));
        let mut said = |name: &str, program: &Path| {
            let version = version(program);
            versions.extend(version.map(|version| (name.to_owned(), version)));
        };
        said("linemill", linemill);
        said("rustc", Path::new("rustc"));
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: match release.trim() {
                "" => std::env::consts::OS.to_owned(),
                release => format!("Linux {release}"),
            },
            memory: value(&read("/proc/meminfo"), "MemTotal")
                .and_then(|total| gib(&total))
                .unwrap_or_else(unknown),
            versions,
        }
    }

    /// Whether figures of both may stand in one table.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.processor == other.processor && self.cores == other.cores
    }

    /// Rows of what there is to say: a name and a value each.
    pub(crate) fn rows(&self) -> Vec<[String; 2]> {
        let cores = match self.cores {
            1 => "1, which server and client share".to_owned(),
            cores => format!("{cores}, which server and client share"),
        };
        let own = [
            ("processor", self.processor.clone()),
            ("cores", cores),
            ("memory", self.memory.clone()),
            ("kernel", self.kernel.clone()),
        ];
        let own = own.map(|(name, value)| [name.to_owned(), value]);
        let versions = self.versions.iter();
        own.into_iter()
            .chain(versions.map(|(name, version)| [name.clone(), version.clone()]))
            .collect()
    }
}

/// The versions of [`CRATES`] in a lock file.
fn locked(text: &str) -> BTreeMap<String, String> {
    let packages = toml::from_str(text).map_or(Vec::new(), |lock: Lock| lock.package);
    let wanted = |package: &Package| CRATES.contains(&package.name.as_str());
    let wanted = packages.into_iter().filter(wanted);
    wanted
        .map(|package| (package.name, package.version))
        .collect()
}

/// What `PROGRAM --version` says, its name left out.
fn version(program: &Path) -> Option<String> {
    // rustup must not take this for a wish to install anything.
    let mut command = Command::new(program);
    command.arg("--version").env("RUSTUP_AUTO_INSTALL", "0");
    let said = command.output().ok().filter(|said| said.status.success())?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (_, version) = said.lines().next()?.split_once(' ')?;
    Some(version.to_owned())
}

/// The first `NAME : VALUE` of a text.
fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `N kB` in GiB.
fn gib(kib: &str) -> Option<String> {
    let kib: f64 = kib.strip_suffix(" kB")?.parse().ok()?;
    Some(format!("{:.0} GiB", kib / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Machine, gib, locked, value};

    #[test]
    fn what_linux_says_is_understood() {
        let processors = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n";
        assert_eq!(value(processors, "model name").as_deref(), Some("AMD EPYC"));
        assert_eq!(value(processors, "model"), None);
        assert_eq!(gib("24683520 kB").as_deref(), Some("24 GiB"));
        let lock = "[[package]]\nname = \"tokio\"\nversion = \"1.54.0\"\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
        assert_eq!(
            locked(lock).into_iter().collect::<Vec<_>>(),
            [("tokio".to_owned(), "1.54.0".to_owned())]
        );
        assert!(locked("not TOML").is_empty());
    }

    #[test]
    fn a_machine_is_like_itself_whatever_its_versions() {
        let here = Machine::here(Path::new("no such program"));
        let mut newer = here.clone();
        newer.versions.insert("linemill".to_owned(), "9".to_owned());
        assert!(here.is_like(&newer));
        newer.cores += 1;
        assert!(!here.is_like(&newer));
    }
}
