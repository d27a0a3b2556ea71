//! Writing to the end of a file, or to standard output.
//!
//! In: bytes from a queue, and requests to reopen the file. Out: the same bytes in the file. When it
//! cannot be written to, for example because the disk is full, it is retried with growing waits. It
//! goes on at the byte where it stopped or, if the path leads to another file by then, with the
//! whole line. What others left there without a terminator, such as a process that was killed, is
//! ended first.
//! Not here: locking; other writers are expected to append, too. Which file standard output is
//! (`stdout`).

use std::fs::File;
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
use linemill_config::Files;

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
        let (own, bits) = (path.to_owned(), mode.bits());
        let opening = move || {
            // Opening a named pipe waits for its reader, so that happens later.
            if is_pipe(&own) {
                return Ok(None);
            }
            match open(Some(&own), bits, false) {
                // It has become a pipe in the meantime, which nobody reads yet.
                Err(_) if is_pipe(&own) => Ok(None),
                opened => opened.map(Some),
            }
        };
        let opened = without_delay(|| Files::default().ask(path, opening));
        let opened = opened.map_err(|no_answer| io::Error::new(ErrorKind::TimedOut, no_answer))?;
        if let Some((file, identity)) = opened? {
            (writer.file, writer.identity) = (Some(file), Some(identity));
        }
        Ok(writer)
    }

    pub(super) fn stdout() -> io::Result<Self> {
        let (file, identity) = open(None, 0, true)?;
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
        let opening = spawn_blocking(move || open(path.as_deref(), mode, true));
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

/// Opens the file at `path`, which gets `mode` if it is new; without a path, standard output. Opening a
/// named pipe waits for its reader, or fails, as `waits` says.
fn open(path: Option<&Path>, mode: u32, waits: bool) -> io::Result<(Arc<File>, Identity)> {
    let file = match path {
        Some(path) => open_or_create(path, mode, waits)?,
        None => stdout::open()?,
    };
    let identity = identity(&file)?;
    Ok((Arc::new(file), identity))
}

#[cfg(unix)]
fn open_or_create(path: &Path, mode: u32, waits: bool) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, fchmod, fcntl_setfl, open};
    // Opening a terminal could make it that of the host.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mode = Mode::from_bits_truncate(mode as rustix::fs::RawMode);
    let present = if waits {
        flags
    } else {
        flags | OFlags::NONBLOCK
    };
    for _ in 0..2 {
        match open(path, present, Mode::empty()) {
            Err(rustix::io::Errno::NOENT) => {}
            opened => {
                let file = opened?;
                if !waits {
                    fcntl_setfl(&file, flags)?;
                }
                return Ok(file.into());
            }
        }
        match open(path, flags | OFlags::CREATE | OFlags::EXCL, mode) {
            // Somebody else has created it in the meantime.
            Err(rustix::io::Errno::EXIST) => {}
            created => {
                let file = created?;
                // Also what the umask withholds.
                fchmod(&file, mode)?;
                return Ok(file.into());
            }
        }
    }
    // A symbolic link to nothing. Its target is created; the umask may withhold some of the mode.
    Ok(open(path, flags | OFlags::CREATE, mode)?.into())
}

#[cfg(not(unix))]
fn open_or_create(path: &Path, _: u32, _: bool) -> io::Result<File> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
}

/// Does work that may block this thread, without delay for the tasks that it would run meanwhile.
fn without_delay<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
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
