//! The end of a file that others have written to.
//!
//! In: a file, and the terminator of the lines to come. Out: what its last line lacks to be ended. Not
//! here: writing it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use linemill_config::{ReadError, open_regular};

/// What the last line of `file` lacks of its terminator; nothing if the file is empty, or is none that
/// could be read back, such as a device. `path` leads to it.
///
/// # Errors
/// Those of reading. A file that may be written but not read is taken as ended.
pub(super) fn missing(
    path: &Path,
    file: &File,
    terminator: &'static [u8],
) -> io::Result<&'static [u8]> {
    let data = file.metadata()?;
    if !data.is_file() || data.len() == 0 {
        return Ok(b"");
    }
    let mut reader = match open_regular(path) {
        Ok(reader) => reader,
        Err(ReadError::System(error)) if error.kind() != io::ErrorKind::PermissionDenied => {
            return Err(error);
        }
        Err(_) => return Ok(b""),
    };
    let end = reader.seek(SeekFrom::End(0))?;
    let length = end.min(terminator.len() as u64);
    reader.seek(SeekFrom::Start(end - length))?;
    let mut tail = Vec::new();
    reader.read_to_end(&mut tail)?;
    let begun = (0..=terminator.len()).rev();
    let found = begun
        .into_iter()
        .find(|count| tail.ends_with(&terminator[..*count]));
    Ok(&terminator[found.unwrap_or(0)..])
}
