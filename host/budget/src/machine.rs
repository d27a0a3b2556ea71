//! What the system lets this process have: memory, and memory mappings.
//!
//! In: files of Linux and limits of the process. Out: numbers. Reading them is separate from making
//! sense of them, so that tests can have systems of their own.
//! Not here: what follows from the numbers.

use std::fs;
use std::path::{Path, PathBuf};

/// The share of the memory available that `auto` uses, in percent. The rest is for the system, for
/// the kernel's buffers of sockets, and for what is not counted.
const SHARE: u64 = 80;
/// The default of `vm.max_map_count`, for where it cannot be read.
const MAX_MAP_COUNT: u64 = 65_530;
/// Without any other information: what a small machine has.
const UNKNOWN: u64 = 1 << 30;
/// The share of the mappings that instances may have, in percent. The others are for memory that is
/// allocated, for libraries and for the stacks of threads.
const MAPPINGS: u64 = 75;
/// Address space that a linear memory reserves, in bytes: 4 GiB, and guard regions.
const RESERVED: u64 = (4 << 30) + (128 << 20);

/// Where the system says what it allows.
#[derive(Debug, Clone)]
struct System {
    proc: PathBuf,
    cgroups: PathBuf,
}

/// The memory budget that `auto` stands for, in bytes: 80 % of what the control group of the process
/// may use, or of the machine's memory if that is less.
pub fn auto() -> u64 {
    let memory = System::here().memory().unwrap_or(UNKNOWN);
    memory / 100 * SHARE
}

/// How many mappings instances may have, of which a linear memory needs `per_memory`; `u64::MAX` where
/// the system has no such limit. To be called once the process has the mappings that it always has.
pub fn mappings(per_memory: u64) -> u64 {
    System::here().mappings(per_memory).unwrap_or(u64::MAX)
}

/// Resident memory of this process, in bytes; `None` where the system does not say.
pub fn resident() -> Option<u64> {
    System::here().resident()
}

impl System {
    fn here() -> Self {
        Self {
            proc: "/proc".into(),
            cgroups: "/sys/fs/cgroup".into(),
        }
    }

    /// The least of all limits on the memory of the process.
    fn memory(&self) -> Option<u64> {
        let groups = fs::read_to_string(self.proc.join("self/cgroup")).unwrap_or_default();
        let limits = groups.lines().flat_map(|line| self.limits(line));
        limits.chain(self.total()).min()
    }

    /// The limits of a control group and of the groups that it is in. `line` is one of
    /// `/proc/self/cgroup`: a number, controllers, and a path, separated by colons.
    fn limits(&self, line: &str) -> Vec<u64> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            return Vec::new();
        };
        let (root, file) = if controllers.is_empty() {
            (self.cgroups.clone(), "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            (self.cgroups.join("memory"), "memory.limit_in_bytes")
        } else {
            return Vec::new();
        };
        // In a container the path may be that of the machine, which does not exist here; the root then
        // has the limit.
        let within = root.join(path.trim_start_matches('/'));
        let groups = within
            .ancestors()
            .take_while(|group| group.starts_with(&root));
        // `max`, which stands for no limit, is not a number.
        let limit = |group: &Path| number(&group.join(file));
        groups.filter_map(limit).collect()
    }

    /// The machine's memory.
    fn total(&self) -> Option<u64> {
        kibibytes(&self.proc.join("meminfo"), "MemTotal:")
    }

    fn mappings(&self, per_memory: u64) -> Option<u64> {
        let maps = fs::read_to_string(self.proc.join("self/maps")).ok()?;
        let now = maps.lines().count() as u64;
        // Services often do not see the file.
        let most = number(&self.proc.join("sys/vm/max_map_count")).unwrap_or(MAX_MAP_COUNT);
        let counted = most.saturating_sub(now) / 100 * MAPPINGS;
        let by_space = self.address_space().map_or(u64::MAX, |space| {
            (space / RESERVED).saturating_mul(per_memory)
        });
        Some(counted.min(by_space))
    }

    /// The limit on the process's address space, in bytes; `None` without a limit.
    fn address_space(&self) -> Option<u64> {
        let text = fs::read_to_string(self.proc.join("self/limits")).ok()?;
        let mut lines = text.lines();
        let limits = lines.find_map(|line| line.strip_prefix("Max address space"))?;
        // `unlimited` is not a number.
        limits.split_ascii_whitespace().next()?.parse().ok()
    }

    fn resident(&self) -> Option<u64> {
        kibibytes(&self.proc.join("self/status"), "VmRSS:")
    }
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The number of the line that begins with `name`, in bytes.
fn kibibytes(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        let system = System {
            proc: root.path().join("proc"),
            cgroups: root.path().join("cgroup"),
        };
        (root, system)
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       1048576 kB\nMemFree:         524288 kB\n",
    );

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let unified = ("proc/self/cgroup", "0::/a/b/c\n");
        let max = ("cgroup/a/b/c/memory.max", "max\n");
        let (_files, none) = system(&[MEMINFO, unified, max]);
        assert_eq!(none.memory(), Some(1 << 30));
        let outer = ("cgroup/a/memory.max", "268435456\n");
        let (_files, outer) = system(&[MEMINFO, unified, max, outer]);
        assert_eq!(outer.memory(), Some(256 << 20));
        let inner = ("cgroup/a/b/c/memory.max", "1000\n");
        let (_files, inner) = system(&[MEMINFO, unified, inner]);
        assert_eq!(inner.memory(), Some(1000));
    }

    #[test]
    fn a_container_sees_its_limit_at_the_root() {
        let elsewhere = ("proc/self/cgroup", "0::/../../docker/0123\n");
        let root = ("cgroup/memory.max", "500\n");
        let (_files, container) = system(&[MEMINFO, elsewhere, root]);
        assert_eq!(container.memory(), Some(500));
    }

    #[test]
    fn the_first_version_of_control_groups_counts_too() {
        let groups = ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n");
        let limit = ("cgroup/memory/x/memory.limit_in_bytes", "700\n");
        let none = (
            "cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        let cpu = ("cgroup/x/memory.max", "1\n");
        let (_files, first) = system(&[MEMINFO, groups, limit, none, cpu]);
        assert_eq!(first.memory(), Some(700));
    }

    #[test]
    fn nothing_is_known_of_a_system_without_these_files() {
        let (_files, empty) = system(&[]);
        assert_eq!(empty.memory(), None);
        assert_eq!(empty.mappings(2), None);
        assert_eq!(empty.resident(), None);
    }

    #[test]
    fn mappings_that_exist_are_not_for_instances() {
        let (_files, small) = system(&[
            ("proc/sys/vm/max_map_count", "1200\n"),
            ("proc/self/maps", &"x\n".repeat(200)),
            ("proc/self/status", "Name:\tx\nVmRSS:\t      30 kB\n"),
        ]);
        assert_eq!(small.mappings(2), Some(750));
        assert_eq!(small.resident(), Some(30 << 10));
    }

    #[test]
    fn a_limit_on_address_space_limits_memories() {
        let maps = ("proc/self/maps", "x\n");
        let limits = |space: &str| {
            let head = "Limit                     Soft Limit           Hard Limit           Units";
            let line = format!("Max address space         {space}            unlimited   bytes");
            format!("{head}\n{line}\n")
        };
        let (_files, none) = system(&[maps, ("proc/self/limits", &limits("unlimited"))]);
        assert_eq!(none.mappings(3), Some(65_529 / 100 * 75));
        let space = (10 * RESERVED + 1).to_string();
        let (_files, some) = system(&[maps, ("proc/self/limits", &limits(&space))]);
        assert_eq!(some.mappings(3), Some(30));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_system_says_what_it_has() {
        assert!(auto() > 1 << 20);
        assert!(resident().is_some_and(|bytes| bytes > 1 << 16));
        assert!(mappings(2) > 0);
    }
}
