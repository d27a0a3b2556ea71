//! What a process uses, by Linux's `/proc`.

use std::time::Duration;
use std::{fs, io};

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident set: pages in memory, shared ones counted whole.
    pub resident: u64,
    /// Proportional set: shared pages counted by share.
    pub proportional: u64,
}

/// Reads the memory of process `id`.
///
/// # Errors
/// When it does not run, is not ours, or the system has no `/proc`.
pub fn memory(id: u32) -> io::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .trim()
                    .strip_suffix(" kB")?
                    .trim()
                    .parse::<u64>()
                    .ok()
            })
            .map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other(format!("no {name} in smaps_rollup")))
    };
    Ok(Memory {
        resident: field("Rss:")?,
        proportional: field("Pss:")?,
    })
}

/// Processor time that the threads of process `id` have used, those that have ended left out.
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    #[test]
    fn own_memory_is_plausible() {
        let memory = super::memory(std::process::id()).expect("we run");
        assert!(
            memory.resident > 64 * 1024 && memory.proportional <= memory.resident,
            "{memory:?}"
        );
    }

    #[test]
    fn own_time_passes_while_we_work() {
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
