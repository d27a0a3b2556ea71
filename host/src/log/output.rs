//! Where the log goes: standard error, by a thread of its own while a host runs.
//!
//! In: records, and lines that are printed whatever the level. Out: entries in the form that is in force.

use std::io::{self, IsTerminal, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tracing::Level;

use super::metrics::LogMetrics;
use super::queue::LogQueue;
use super::record::{Fields, Record, Value};
use super::writer::{LogWriter, Stderr};
use super::{json, text};
use linemill_config::settings::LogFormat;

/// Standard error.
#[derive(Debug)]
pub(super) struct Output {
    is_json: AtomicBool,
    /// Whether text has colours.
    ansi: bool,
    /// What waits for the thread that writes; until it runs, every caller writes by itself.
    queue: OnceLock<Arc<LogQueue>>,
}

impl Output {
    /// Text, written by the caller.
    pub(super) fn new() -> Self {
        let no_colours = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            is_json: AtomicBool::new(false),
            ansi: io::stderr().is_terminal() && !no_colours,
            queue: OnceLock::new(),
        }
    }

    /// Text that is kept, for tests.
    #[cfg(test)]
    pub(super) fn captured(ansi: bool) -> Self {
        Self {
            is_json: AtomicBool::new(false),
            ansi,
            queue: Arc::new(LogQueue::new(LogMetrics::default())).into(),
        }
    }

    /// What is kept.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let mut batch = super::queue::Batch::default();
        self.queue.get().expect("a queue").take(&mut batch);
        let pieces = batch.pieces(1).map(|piece| piece.bytes.to_vec());
        String::from_utf8(pieces.flatten().collect()).expect("text")
    }

    /// From now on, a thread of its own writes.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn run_in_thread(&'static self, counts: LogMetrics) -> io::Result<()> {
        let queue = Arc::new(LogQueue::new(counts));
        let notice = |dropped| {
            let fields = Fields::of("messages of the log were dropped");
            self.entry(
                Level::WARN,
                &fields.with("dropped", Value::Unsigned(dropped)),
            )
        };
        LogWriter::new(Arc::clone(&queue), Stderr, notice).spawn()?;
        // Only the first call has an effect.
        let _ = self.queue.set(queue);
        Ok(())
    }

    /// Writes a message.
    pub(super) fn write(&self, record: &Record<'_>) {
        self.put(&self.formatted(record));
    }

    /// Writes a message that is in no span.
    pub(super) fn write_now(&self, level: Level, fields: &Fields) {
        self.put(&self.entry(level, fields));
    }

    /// Writes a text that has a form of its own: as it is, or as the message of an object.
    pub(super) fn print(&self, level: Level, text: &str) {
        if self.is_json() {
            self.write_now(level, &Fields::of(text.trim_end()));
        } else {
            self.put(text);
        }
    }

    /// Waits until all is written, for `most` at the longest.
    pub(super) fn flush(&self, most: Duration) {
        if let Some(queue) = self.queue.get() {
            queue.flush(most);
        }
    }

    pub(super) fn set_format(&self, format: LogFormat) {
        let is_json = format == LogFormat::Json;
        self.is_json.store(is_json, Ordering::Relaxed);
    }

    pub(super) fn is_json(&self) -> bool {
        self.is_json.load(Ordering::Relaxed)
    }

    fn entry(&self, level: Level, fields: &Fields) -> String {
        self.formatted(&Record {
            time: SystemTime::now(),
            level,
            spans: &[],
            fields,
        })
    }

    fn formatted(&self, record: &Record<'_>) -> String {
        if self.is_json() {
            json::line(record)
        } else {
            text::line(record, self.ansi)
        }
    }

    fn put(&self, entry: &str) {
        match self.queue.get() {
            Some(queue) => queue.push(entry.as_bytes()),
            // Nobody is left who could be told that it failed.
            None => drop(Stderr.write_all(entry.as_bytes())),
        }
    }
}
