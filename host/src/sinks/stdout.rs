//! Standard output as a sink: the file that it is. Not here: writing (`file`).

use std::fs::File;
use std::io;

/// Opens it without the buffer of [`std::io::Stdout`], so that it is known to the byte how much has
/// been written.
///
/// # Errors
/// When the process has no standard output.
#[cfg(unix)]
pub(super) fn open() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Opens it without the buffer of [`std::io::Stdout`].
///
/// # Errors
/// When the process has no standard output.
#[cfg(windows)]
pub(super) fn open() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}
