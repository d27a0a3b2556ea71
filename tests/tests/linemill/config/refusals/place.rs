//! Puts what may be no file at all where a file is expected.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is found at a path.
pub(crate) enum Content {
    /// A file.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link(PathBuf),
    /// A pipe that nobody writes to.
    Fifo,
    /// An empty folder.
    Folder,
    /// Nothing.
    Nothing,
}

/// Replaces whatever is at `path`; a file by rename, so that nobody sees half of it.
pub(crate) fn put(path: &Path, content: Content) {
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
