//! Who has a file open for writing.
//!
//! In: a path. Out: the process that has it open, as far as the system shows it to this user. Linux only;
//! elsewhere, nobody is named. The search is bounded in time.

/// The process that has the file at `path` open for writing, as `process 7 (NAME)`. Blocks.
#[cfg(target_os = "linux")]
pub(super) fn of(path: &std::path::Path) -> Option<String> {
    use std::fs;
    use std::time::{Duration, Instant};

    /// How long the search may take.
    const PATIENCE: Duration = Duration::from_secs(1);

    let path = path.canonicalize().ok()?;
    let until = Instant::now() + PATIENCE;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes.take_while(|_| Instant::now() < until) {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // Those of other users cannot be read.
        let Ok(open) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let mut open = open.flatten().take_while(|_| Instant::now() < until);
        let writes = open.any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target == path)
                && is_for_writing(&process.path().join("fdinfo").join(file.file_name()))
        });
        if writes {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("process {pid} ({})", name.trim_end()));
        }
    }
    None
}

/// Whether the descriptor that this file of `/proc` describes is open for writing.
#[cfg(target_os = "linux")]
fn is_for_writing(info: &std::path::Path) -> bool {
    /// The access mode among the flags of open(2), and that of reading.
    const ACCESS_MODE: u32 = 0o3;
    const READ_ONLY: u32 = 0;
    let text = std::fs::read_to_string(info).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & ACCESS_MODE != READ_ONLY)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: &std::path::Path) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn names_who_writes_and_nobody_who_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let writing = File::create(&path).expect("created");
        let pid = std::process::id();
        let writer = of(&path).expect("this process");
        assert!(writer.starts_with(&format!("process {pid} (")), "{writer}");
        drop(writing);
        let _reading = File::open(&path).expect("opened");
        assert_eq!(of(&path), None);
    }
}
