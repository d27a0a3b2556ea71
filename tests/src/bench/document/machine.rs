//! The machine that was measured, without names of hosts, users or folders.
//!
//! In: Linux's `/proc`, the versions in this checkout's `Cargo.lock`, and the versions that programs
//! print. Out: a [`Machine`]; facts that cannot be found are omitted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// Crates whose versions affect figures.
const CRATES: [&str; 3] = ["mio", "tokio", "wasmtime"];

/// The machine that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// The processor's model.
    pub(crate) processor: String,
    /// Logical cores that this program may use. Servers and their clients share them.
    pub(crate) cores: usize,
    /// The operating system's kernel.
    pub(crate) kernel: String,
    /// Total memory.
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
    /// This machine; `linemill` is the program that is measured.
    pub(crate) fn here(linemill: &Path) -> Self {
        let unknown = || "unknown".to_owned();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let release = read("/proc/sys/kernel/osrelease");
        let mut versions = locked(&read("Cargo.lock"));
        let mut ask = |name: &str, program: &Path| {
            let version = version(program);
            versions.extend(version.map(|version| (name.to_owned(), version)));
        };
        ask("linemill", linemill);
        ask("rustc", Path::new("rustc"));
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

    /// Whether figures of both machines can be compared.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.processor == other.processor && self.cores == other.cores
    }

    /// A row with name and value per known fact.
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

/// The output of `PROGRAM --version` without the name.
fn version(program: &Path) -> Option<String> {
    // Asking for a version must not make rustup install a toolchain.
    let mut command = Command::new(program);
    command.arg("--version").env("RUSTUP_AUTO_INSTALL", "0");
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let output = String::from_utf8(output.stdout).ok()?;
    let (_, version) = output.lines().next()?.split_once(' ')?;
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
    fn facts_are_read_from_proc_and_lock() {
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
    fn versions_do_not_make_a_different_machine() {
        let here = Machine::here(Path::new("no such program"));
        let mut newer = here.clone();
        newer.versions.insert("linemill".to_owned(), "9".to_owned());
        assert!(here.is_like(&newer));
        newer.cores += 1;
        assert!(!here.is_like(&newer));
    }
}
