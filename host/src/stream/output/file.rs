//! Writing to the end of a file, or to standard output.
//!
//! In: bytes that wait, and word that a file is to be opened anew. Out: the same in the file.
//! When it cannot be written to, because the disk is full say, it is tried again with growing
//! waits, and goes on at the very byte where it stopped, or with the whole line when the file has
//! become another one meanwhile.
//! Not here: locking; other writers are expected to append, too.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Over;
use super::outgoing::Outgoing;
use crate::stream::hop::backoff::Backoff;
use crate::stream::hop::outage::Outage;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(super) struct FileWriter {
    /// `None`: standard output.
    path: Option<PathBuf>,
    /// `None`: to be opened before the next write.
    file: Option<Arc<File>>,
    /// Which file was written to last.
    identity: Option<Identity>,
    outage: Outage,
}

/// Tells files apart, whatever they are called.
type Identity = (u64, u64);

impl FileWriter {
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let mut writer = Self {
            path: Some(path.to_owned()),
            file: None,
            identity: None,
            outage: Outage::new(format!("file:{}", path.display())),
        };
        // Opening a named pipe waits for whoever reads it: that is for later.
        if !is_pipe(path) {
            let (file, identity) = open(Some(path))?;
            (writer.file, writer.identity) = (Some(file), Some(identity));
        }
        Ok(writer)
    }

    pub(super) fn stdout() -> io::Result<Self> {
        let (file, identity) = open(None)?;
        Ok(Self {
            path: None,
            file: Some(file),
            identity: Some(identity),
            outage: Outage::new("stdout".to_owned()),
        })
    }

    /// Writes until nothing more will come.
    pub(super) async fn run(mut self, out: &mut Outgoing, reopen: &Notify) -> Over {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.turn(out, reopen).await {
                Ok(true) => {
                    backoff.reset();
                    continue;
                }
                Ok(false) => return Over::Done,
                Err(error) => error,
            };
            out.metrics().up.set(0);
            out.metrics().failures.inc();
            if self.path.is_none() && error.kind() == ErrorKind::BrokenPipe {
                tracing::warn!(to = self.outage.to(), %error, "nobody reads it; its lines are lost");
                return Over::Closed;
            }
            self.outage.failed(&error);
            self.file = None;
            tokio::select! {
                () = sleep(backoff.pause()) => {}
                () = reopen.notified() => {}
            }
        }
    }

    /// Opens or writes once. `false`: there is nothing more to write.
    async fn turn(&mut self, out: &mut Outgoing, reopen: &Notify) -> io::Result<bool> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => self.open(out).await?,
        };
        if !out.has_output() {
            self.works(out);
        }
        tokio::select! {
            biased;
            () = reopen.notified(), if !out.has_output() => {
                self.file = None;
                return Ok(true);
            }
            more = out.ready() => if !more {
                return Ok(false);
            }
        }
        let (block, from) = out.bytes();
        let writing = spawn_blocking(move || write(&file, &block[from..]));
        let count = writing.await.map_err(io::Error::other)??;
        out.advance(count);
        self.works(out);
        Ok(true)
    }

    async fn open(&mut self, out: &mut Outgoing) -> io::Result<Arc<File>> {
        let path = self.path.clone();
        let opening = spawn_blocking(move || open(path.as_deref()));
        let (file, identity) = opening.await.map_err(io::Error::other)??;
        if self.identity != Some(identity) {
            // The start of the line is in another file.
            out.rewind();
        }
        (self.file, self.identity) = (Some(Arc::clone(&file)), Some(identity));
        Ok(file)
    }

    fn works(&self, out: &Outgoing) {
        out.metrics().up.set(1);
        self.outage.over();
    }
}

/// Opens the file at `path`, or else standard output.
fn open(path: Option<&Path>) -> io::Result<(Arc<File>, Identity)> {
    let file = match path {
        Some(path) => OpenOptions::new().append(true).create(true).open(path)?,
        None => standard_output()?,
    };
    let identity = identity(&file)?;
    Ok((Arc::new(file), identity))
}

/// Writes some of `bytes` and says how many.
fn write(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            result => return result,
        }
    }
}

/// Standard output without the buffer of [`std::io::Stdout`]: how much has been written is known
/// to the byte.
#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn standard_output() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

#[cfg(unix)]
fn identity(file: &File) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|data| (data.dev(), data.ino()))
}

/// Files have no number there that the standard library knows: it is when they were created.
#[cfg(not(unix))]
fn identity(file: &File) -> io::Result<Identity> {
    let created = file.metadata()?.created().ok();
    let since = created.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(since.map_or((0, 0), |since| {
        (since.as_secs(), u64::from(since.subsec_nanos()))
    }))
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|data| data.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}
