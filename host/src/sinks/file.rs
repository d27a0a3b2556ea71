//! Writing to the end of a file, or to standard output.
//!
//! In: bytes from a queue, and requests to reopen the file. Out: the same bytes in the file. When it
//! cannot be written to, for example because the disk is full, it is retried with growing waits. It
//! goes on at the byte where it stopped or, if the path leads to another file by then, with the
//! whole line. What others left there without a terminator, such as a process that was killed, is
//! ended first.
//! Not here: locking; other writers are expected to append, too. Which file standard output is
//! (`stdout`).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::create_mode::CreateMode;
use super::outage::Outage;
use super::queue_reader::{QueueReader, WriterEnd};
use super::stdout;

#[cfg(test)]
mod tests;
mod torn;

/// Writes a queue to a file or to standard output.
#[derive(Debug)]
pub(super) struct FileWriter {
    /// `None` for standard output.
    path: Option<PathBuf>,
    /// Of a file that it creates.
    mode: CreateMode,
    /// `None` when it must be opened before the next write.
    file: Option<Arc<File>>,
    /// The file written to last; `None` before the first has been opened.
    identity: Option<Identity>,
    /// Whether the file may end in a line without a terminator that is not ours.
    torn: bool,
    outage: Arc<Outage>,
}

/// Identifies a file regardless of its name: device and inode number on Unix.
type Identity = (u64, u64);

impl FileWriter {
    /// Appends to the file at `path`. One that it creates gets `mode`.
    pub(super) fn at(path: &Path, mode: CreateMode) -> io::Result<Self> {
        let mut writer = Self {
            path: Some(path.to_owned()),
            mode: mode.clone(),
            file: None,
            identity: None,
            torn: true,
            outage: Arc::new(Outage::new(format!("file:{}", path.display()))),
        };
        // Opening a named pipe waits for its reader, so that happens later.
        if !is_pipe(path) {
            let (file, identity) = open(Some(path), mode.bits())?;
            (writer.file, writer.identity) = (Some(file), Some(identity));
        }
        Ok(writer)
    }

    pub(super) fn stdout() -> io::Result<Self> {
        let (file, identity) = open(None, None)?;
        Ok(Self {
            path: None,
            mode: CreateMode::default(),
            file: Some(file),
            identity: Some(identity),
            torn: false,
            outage: Arc::new(Outage::new("stdout".to_owned())),
        })
    }

    /// The mode of a file that it creates.
    pub(super) fn mode(&self) -> CreateMode {
        self.mode.clone()
    }

    /// Whether it is up.
    pub(super) fn outage(&self) -> &Arc<Outage> {
        &self.outage
    }

    /// Writes until nothing more will come.
    pub(super) async fn run(mut self, queue: &mut QueueReader, reopen: &Notify) -> WriterEnd {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.step(queue, reopen).await {
                Ok(true) => {
                    backoff.reset();
                    continue;
                }
                Ok(false) => return WriterEnd::Done,
                Err(error) => error,
            };
            queue.metrics().up.set(0);
            queue.metrics().failures.inc();
            if self.path.is_none() && error.kind() == ErrorKind::BrokenPipe {
                tracing::warn!(to = self.outage.to(), %error, "nobody reads it; its lines are lost");
                self.outage.failed(&error, 0);
                return WriterEnd::Closed;
            }
            self.outage.failed(&error, queue.queued());
            self.file = None;
            tokio::select! {
                () = sleep(backoff.pause()) => {}
                () = reopen.notified() => {}
            }
        }
    }

    /// Opens or writes once. `false` means that there is nothing more to write.
    async fn step(&mut self, queue: &mut QueueReader, reopen: &Notify) -> io::Result<bool> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => self.open(queue).await?,
        };
        if !queue.has_output() {
            self.note_success(queue);
        }
        tokio::select! {
            biased;
            () = reopen.notified(), if !queue.has_output() => {
                self.file = None;
                return Ok(true);
            }
            more = queue.ready() => if !more {
                return Ok(false);
            }
        }
        self.end_torn_line(&file, queue).await?;
        let (block, from) = queue.bytes();
        let writing = spawn_blocking(move || write(&file, &block[from..]));
        let count = writing.await.map_err(io::Error::other)??;
        queue.advance(count);
        self.note_success(queue);
        Ok(true)
    }

    /// Ends a line that others left without its terminator, which the next line would continue.
    async fn end_torn_line(&mut self, file: &Arc<File>, queue: &QueueReader) -> io::Result<()> {
        let Some(framing) = queue.framing().filter(|_| self.torn) else {
            return Ok(());
        };
        let (file, path) = (Arc::clone(file), self.path.clone());
        let ending = spawn_blocking(move || {
            let missing = match path {
                Some(path) => torn::missing(&path, &file, framing.terminator())?,
                None => b"",
            };
            (&*file).write_all(missing)
        });
        ending.await.map_err(io::Error::other)??;
        self.torn = false;
        Ok(())
    }

    async fn open(&mut self, queue: &mut QueueReader) -> io::Result<Arc<File>> {
        let (path, mode) = (self.path.clone(), self.mode.bits());
        let opening = spawn_blocking(move || open(path.as_deref(), mode));
        let (file, identity) = opening.await.map_err(io::Error::other)??;
        if self.identity != Some(identity) {
            // The start of the line is in another file.
            queue.rewind();
            self.torn = self.path.is_some();
        }
        (self.file, self.identity) = (Some(Arc::clone(&file)), Some(identity));
        Ok(file)
    }

    fn note_success(&self, queue: &QueueReader) {
        queue.metrics().up.set(1);
        self.outage.over();
    }
}

/// Opens the file at `path`, which gets `mode` if it is new; without a path, standard output.
fn open(path: Option<&Path>, mode: Option<u32>) -> io::Result<(Arc<File>, Identity)> {
    let file = match path {
        Some(path) => open_or_create(path, mode)?,
        None => stdout::open()?,
    };
    let identity = identity(&file)?;
    Ok((Arc::new(file), identity))
}

#[cfg(unix)]
fn open_or_create(path: &Path, mode: Option<u32>) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = OpenOptions::new();
    options.append(true);
    let Some(mode) = mode else {
        return options.create(true).open(path);
    };
    loop {
        match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options.clone().create_new(true).mode(mode).open(path) {
            // Somebody else has created it in the meantime.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => {
                let file = created?;
                // Also what the umask withholds.
                file.set_permissions(std::fs::Permissions::from_mode(mode))?;
                return Ok(file);
            }
        }
    }
}

#[cfg(not(unix))]
fn open_or_create(path: &Path, _: Option<u32>) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Writes some of `bytes`. Returns how many.
fn write(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            result => return result,
        }
    }
}

#[cfg(unix)]
fn identity(file: &File) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|data| (data.dev(), data.ino()))
}

/// The standard library knows no file numbers here, so the time of creation stands in for one.
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
