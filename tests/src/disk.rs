//! A small disk of its own in a folder, which can be full.
//!
//! In: a folder, and a size. Out: the disk, full or free. It goes away when this is dropped. Only root may
//! make one.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts a disk of `bytes` bytes at `path`, which is created.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn mount(path: &Path, bytes: u64) -> Result<Self, String> {
        fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let size = format!("size={bytes}");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(path))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Takes all room that is left.
    pub fn fill(&self) {
        let block = [0; 64 * 1024];
        let Ok(mut file) = File::create(self.ballast()) else {
            return;
        };
        while file.write_all(&block).is_ok() {}
        // What is left after the last whole block.
        while file.write_all(&block[..1]).is_ok() {}
    }

    /// Gives the room back.
    pub fn free(&self) {
        // There is none if nothing was left to take.
        drop(fs::remove_file(self.ballast()));
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file open keeps it, but nobody finds it any more.
        drop(run(Command::new("umount").arg("-l").arg(&self.path)));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
