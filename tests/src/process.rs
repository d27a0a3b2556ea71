//! What processes use, from Linux's `/proc` (proc(5)), and the limit of open files.
//!
//! In: process ids. Out: bytes, times, counts. Not here: a judgement on any of them.

use std::time::Duration;
use std::{fs, io};

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident set: pages in memory, shared ones counted whole.
    pub resident: u64,
    /// Proportional set: shared pages counted by share.
    pub proportional: u64,
    /// What is resident and not the content of a file: what the process has allocated. The system maps more
    /// of the program's file, or less, as it likes.
    pub anonymous: u64,
}

/// Reads the memory of process `id`.
///
/// # Errors
/// When there is no such process, it belongs to another user, or the system has no `/proc`.
pub fn memory(id: u32) -> io::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let field = |name| {
        field(&text, name).ok_or_else(|| io::Error::other(format!("no {name} in smaps_rollup")))
    };
    Ok(Memory {
        resident: field("Rss:")?,
        proportional: field("Pss:")?,
        anonymous: field("Anonymous:")?,
    })
}

/// Processor time used by the threads of process `id` that are still running.
///
/// # Errors
/// As [`memory`].
pub fn processor_time(id: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let first = text
            .split(' ')
            .next()
            .and_then(|field| field.parse::<u64>().ok());
        nanoseconds += first.ok_or_else(|| io::Error::other("schedstat starts with a number"))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The peak of the resident memory of process `id`, in bytes.
///
/// # Errors
/// As [`memory`].
pub fn peak_memory(id: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    field(&text, "VmHWM:").ok_or_else(|| io::Error::other("no VmHWM in status"))
}

/// Resets [`peak_memory`] of process `id` to what is resident now.
///
/// # Errors
/// As [`memory`], or when the system does not support it.
pub fn forget_peak(id: u32) -> io::Result<()> {
    // proc_pid_clear_refs(5): 5 resets the peak.
    fs::write(format!("/proc/{id}/clear_refs"), "5")
}

/// Number of descriptors (files, sockets, pipes) that process `id` has open.
///
/// # Errors
/// As [`memory`].
pub fn descriptors(id: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/fd"))?.count())
}

/// Process `id` and all its running descendants.
///
/// # Errors
/// When the system has no `/proc`.
pub fn family(id: u32) -> io::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process that has ended meanwhile is skipped: its text is empty.
        let text = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // `pid (name) state parent …`; the name may contain anything, including parentheses.
        let parent = text
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (child, parent)));
    }
    let mut found = vec![id];
    let mut looked = 0;
    while let Some(&parent) = found.get(looked) {
        looked += 1;
        let children = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(child, _)| child));
    }
    Ok(found)
}

/// Raises the limit of open descriptors (RLIMIT_NOFILE) of this process and its future children to
/// at least `wanted`.
///
/// # Errors
/// The error of the system, when it allows fewer.
#[cfg(unix)]
pub fn raise_descriptors(wanted: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let current = Some(wanted);
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}

/// The value of the line `NAME VALUE kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    #[test]
    fn memory_of_this_process_is_plausible() {
        let memory = super::memory(std::process::id()).expect("we run");
        assert!(
            memory.resident > 64 * 1024 && memory.proportional <= memory.resident,
            "{memory:?}"
        );
        let peak = super::peak_memory(std::process::id()).expect("we run");
        assert!(peak > 64 * 1024, "{peak}");
    }

    #[test]
    fn a_peak_is_reset() {
        let mut child = std::process::Command::new("sleep")
            .arg("20")
            .spawn()
            .expect("every system has sleep");
        super::forget_peak(child.id()).expect("it is ours");
        let peak = super::peak_memory(child.id()).expect("it runs");
        let now = super::memory(child.id()).expect("it runs").resident;
        assert!(peak < now + (1 << 20), "{peak}, {now} are there");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    #[test]
    fn an_open_file_is_a_descriptor() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("every system has cat");
        assert!(super::descriptors(child.id()).expect("it runs") >= 3);
        drop(child.stdin.take());
        child.wait().expect("it is ours");
    }

    #[test]
    fn a_family_has_its_child() {
        let mut child = std::process::Command::new("sleep")
            .arg("20")
            .spawn()
            .expect("every system has sleep");
        let family = super::family(std::process::id()).expect("we run");
        assert!(family.contains(&std::process::id()) && family.contains(&child.id()));
        let alone = super::family(child.id()).expect("it runs");
        assert_eq!(alone, [child.id()]);
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    #[test]
    fn processor_time_passes_while_this_process_works() {
        let time = || super::processor_time(std::process::id()).expect("we run");
        let (before, start) = (time(), Instant::now());
        while time() < before + Duration::from_millis(5) {
            assert!(
                start.elapsed() < crate::PATIENCE,
                "no processor time in {:?}",
                start.elapsed()
            );
        }
    }
}
