//! Writers of files and of standard output, each on a thread of its own.
//!
//! In: the queue. Out: bytes, and counts. A file that cannot be written is tried again with
//! growing pauses, and goes on at the byte where it stopped; while it waits the queue fills. A
//! closed standard output ends its writer.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{Batch, Item, State};
use crate::stream::activity::since_start;
use crate::stream::backoff::Backoff;
use crate::telemetry::metrics::OutputMetrics;

type Items = UnboundedReceiver<Item>;

/// Starts the writer of standard output.
pub(super) fn stdout(items: Items, state: Arc<State>, metrics: OutputMetrics) -> io::Result<()> {
    start(Stdout, items, state, metrics)
}

/// Opens a file to append to, and starts its writer.
pub(super) fn file(
    path: &Path,
    items: Items,
    state: Arc<State>,
    metrics: OutputMetrics,
) -> io::Result<()> {
    let file = Appended {
        path: path.to_owned(),
        file: Some(open(path)?),
    };
    start(file, items, state, metrics)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

/// Something that bytes can be written to by a thread that waits.
trait Place: Send + 'static {
    /// Writes some bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Opens it anew.
    fn reopen(&mut self) {}
    /// Whether writing may work again later.
    fn recovers(&self) -> bool;
}

struct Stdout;

impl Place for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = io::stdout().lock();
        // Line-buffered: all at once, or a batch of lines would be a call each.
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(bytes.len())
    }

    fn recovers(&self) -> bool {
        false
    }
}

struct Appended {
    path: PathBuf,
    /// `None` after it could not be opened.
    file: Option<File>,
}

impl Place for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            none => none.insert(open(&self.path)?).write(bytes),
        }
    }

    fn reopen(&mut self) {
        self.file = None;
    }

    fn recovers(&self) -> bool {
        true
    }
}

fn start(
    place: impl Place,
    items: Items,
    state: Arc<State>,
    metrics: OutputMetrics,
) -> io::Result<()> {
    metrics.up.set(1);
    let writer = Writer {
        place,
        state,
        metrics,
    };
    let thread = thread::Builder::new().name("linemill-output".into());
    thread.spawn(move || writer.run(items)).map(drop)
}

struct Writer<P> {
    place: P,
    state: Arc<State>,
    metrics: OutputMetrics,
}

impl<P: Place> Writer<P> {
    fn run(mut self, mut items: Items) {
        while let Some(item) = items.blocking_recv() {
            match item {
                Item::Batch(batch, room) => {
                    let written = self.write(&batch);
                    self.metrics.queued.dec_by(batch.bytes.len() as i64);
                    self.state.left(batch.lines);
                    drop(room);
                    if let Err(error) = written {
                        tracing::error!(%error, "standard output cannot be written: what goes there is lost");
                        self.metrics.up.set(0);
                        self.metrics.lost("closed", batch.lines);
                        // Dropping the queue tells those who wait for room that there is none.
                        items.close();
                        return self.give_up(items);
                    }
                    self.metrics.lines.inc_by(batch.lines);
                }
                // Whoever asked may have gone.
                Item::Finish(told) => told.send(()).unwrap_or_default(),
            }
        }
    }

    /// Writes a whole batch, however long it takes.
    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let mut rest = &batch.bytes[..];
        let mut backoff = Backoff::default();
        let mut failed = false;
        while !rest.is_empty() {
            if self.state.reopen.swap(false, Ordering::AcqRel) {
                self.place.reopen();
                // What a line began with is in the old file: the new one has it whole.
                let (_, whole) = batch
                    .framing
                    .whole_lines(&batch.bytes[..batch.bytes.len() - rest.len()]);
                rest = &batch.bytes[whole..];
            }
            let error = match self.place.write(rest) {
                Ok(count @ 1..) => {
                    rest = &rest[count..];
                    self.metrics.bytes.inc_by(count as u64);
                    if std::mem::take(&mut failed) {
                        tracing::info!("the output can be written again");
                        self.metrics.up.set(1);
                        backoff = Backoff::default();
                    }
                    continue;
                }
                Ok(_) => io::ErrorKind::WriteZero.into(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            if !self.place.recovers() {
                return Err(error);
            }
            if !std::mem::replace(&mut failed, true) {
                tracing::error!(%error, "an output cannot be written; trying on");
                self.metrics.up.set(0);
            }
            thread::sleep(backoff.next(since_start()));
        }
        Ok(())
    }

    fn give_up(&self, mut items: Items) {
        while let Some(item) = items.blocking_recv() {
            match item {
                Item::Batch(batch, _) => {
                    self.metrics.queued.dec_by(batch.bytes.len() as i64);
                    self.state.left(batch.lines);
                    self.metrics.lost("closed", batch.lines);
                }
                Item::Finish(told) => told.send(()).unwrap_or_default(),
            }
        }
    }
}
