//! Reading a file that a user named.
//!
//! In: a path and a limit. Out: the bytes of a regular file, or a [`ReadError`]. Not here: what the
//! bytes mean, and what is reported to the user (see `problem`).

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Why [`read_regular`] did not read a file. Displays as the text after the file's name: "a.pem:
/// not a regular file".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused: the file does not exist, or may not be read.
    #[error(transparent)]
    System(#[from] io::Error),
    /// The path leads to a folder.
    #[error("a folder, not a file")]
    Folder,
    /// The path leads to a FIFO, a socket or a device.
    #[error("not a regular file")]
    NotRegular,
    /// The file has more bytes than this limit.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
}

/// Reads the regular file at `path` whole, if it has at most `limit` bytes. Symbolic links are
/// followed. No more than one byte beyond the limit is read, even if the file grows in the
/// meantime.
///
/// # Errors
/// If it is not a regular file, is too large, or cannot be read.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    // Checked before opening: opening a FIFO would wait until another process writes to it.
    let kind = fs::metadata(path)?;
    if kind.is_dir() {
        return Err(ReadError::Folder);
    }
    if !kind.is_file() {
        return Err(ReadError::NotRegular);
    }
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_regular_files_within_the_limit_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let missing = read_regular(&path, 4);
        assert!(
            matches!(missing, Err(ReadError::System(error)) if error.kind() == io::ErrorKind::NotFound)
        );
        fs::write(&path, "abcd").expect("written");
        assert_eq!(read_regular(&path, 4).expect("it fits"), b"abcd");
        assert!(matches!(
            read_regular(&path, 3),
            Err(ReadError::TooLarge(3))
        ));
        assert!(matches!(
            read_regular(folder.path(), 4),
            Err(ReadError::Folder)
        ));
    }

    #[cfg(unix)]
    #[test]
    fn does_not_open_what_is_not_regular() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        assert!(matches!(read_regular(&path, 4), Err(ReadError::NotRegular)));
    }
}
