//! Replaces files by anything that can be at a path: links, pipes, folders, nothing.
//!
//! In: a path and what to put there. Out: the file system. Not here: what a host makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is at a path.
pub(super) enum Content {
    /// A file.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link(PathBuf),
    /// A named pipe without a writer.
    Fifo,
    /// An empty folder.
    Folder,
    /// Nothing.
    Nothing,
}

/// Replaces what is at `path`. A regular file is renamed into place, so it is never seen half-written.
pub(super) fn put(path: &Path, content: Content) {
    let kind = fs::symlink_metadata(path).map(|found| found.file_type());
    if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
        fs::remove_dir(path).expect("it is empty");
    } else if kind.is_ok() && !matches!(content, Content::Bytes(_)) {
        fs::remove_file(path).expect("it is ours");
    }
    match content {
        Content::Bytes(bytes) => {
            let new = path.with_extension("new");
            fs::write(&new, bytes).expect("the folder is writable");
            fs::rename(new, path).expect("the folder is writable");
        }
        Content::Link(to) => std::os::unix::fs::symlink(to, path).expect("a free name"),
        Content::Fifo => {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo is there").success());
        }
        Content::Folder => fs::create_dir(path).expect("a free name"),
        Content::Nothing => {}
    }
}
