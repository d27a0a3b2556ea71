//! Outputs that connections share: standard output, files, next hops with one connection for all.
//!
//! In: batches of whole lines, framed for the wire, from any number of connections. Out: the same
//! lines, each whole and those of a sender in its order; counts of what was handed over and of
//! what was lost. One task writes; between it and the senders is a queue bounded by bytes.
//! Not here: framing, which output a line goes to.
//!
//! A line counts as handed over when its last byte is with the system, or, over TLS, the record
//! that holds it. What the system then loses, because the peer goes away say, nobody can know.

mod batch;
mod file;
mod outgoing;
mod outputs;
mod queue;
mod socket;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::hop::Hop;
use crate::telemetry::metrics::OutputMetrics;
pub use batch::Batch;
use file::FileWriter;
use outgoing::Outgoing;
pub use outputs::{Key, Outputs};
use queue::Queue;

#[cfg(test)]
mod tests;

/// An output does not take lines any more: it was closed, or the host ends. The lines have been
/// counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the output takes no more lines")]
pub struct Lost;

/// An output that connections share. Clones are the same one.
#[derive(Debug, Clone)]
pub struct SharedOutput(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    /// Wakes a file's writer to open the file anew.
    reopen: Arc<Notify>,
    /// When to give up, once somebody has said so.
    deadline: watch::Sender<Option<Instant>>,
    /// The writer, until somebody waits for its end.
    task: Mutex<Option<JoinHandle<u64>>>,
    hop: Option<Hop>,
}

/// What a writer writes to.
#[derive(Debug)]
enum Writer {
    File(FileWriter),
    Hop(Hop),
}

/// Why a writer is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Everything has been written, and nothing more will come.
    Done,
    /// Nobody reads what is written.
    Closed,
    /// The deadline has passed.
    Late,
}

impl SharedOutput {
    /// Standard output. `buffer` is the most bytes that wait for it.
    ///
    /// # Errors
    /// When the process has none.
    pub fn to_stdout(buffer: usize, metrics: OutputMetrics) -> std::io::Result<Self> {
        let writer = FileWriter::stdout()?;
        Ok(Self::start(Writer::File(writer), buffer, metrics))
    }

    /// The end of the file at `path`, which is created when it is not there; its folder must be.
    /// `buffer` is the most bytes that wait for it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn to_file(path: &Path, buffer: usize, metrics: OutputMetrics) -> std::io::Result<Self> {
        let writer = FileWriter::at(path)?;
        Ok(Self::start(Writer::File(writer), buffer, metrics))
    }

    /// One connection to `hop`, and another when it breaks. `buffer` is the most bytes that wait
    /// for it.
    pub fn to_hop(hop: Hop, buffer: usize, metrics: OutputMetrics) -> Self {
        Self::start(Writer::Hop(hop), buffer, metrics)
    }

    fn start(writer: Writer, buffer: usize, metrics: OutputMetrics) -> Self {
        let queue = Arc::new(Queue::new(buffer, metrics));
        let (deadline, over) = watch::channel(None);
        let reopen = Arc::new(Notify::new());
        let hop = match &writer {
            Writer::Hop(hop) => Some(hop.clone()),
            Writer::File(_) => None,
        };
        let out = Outgoing::new(Arc::clone(&queue));
        let task = tokio::spawn(run(writer, out, Arc::clone(&reopen), over));
        Self(Arc::new(Inner {
            queue,
            reopen,
            deadline,
            task: Mutex::new(Some(task)),
            hop,
        }))
    }

    /// Lets `buffer` bytes wait, if that is more than did so far.
    fn raise_buffer(&self, buffer: usize) {
        self.0.queue.raise(buffer);
    }

    /// Hands a batch over, and waits for room before. One that is larger than the whole queue
    /// waits until that is empty. Who stops waiting takes the batch back: it has not been sent,
    /// nor counted.
    ///
    /// # Errors
    /// When the output takes no more lines.
    pub async fn send(&self, batch: Batch) -> Result<(), Lost> {
        self.0.queue.put(batch).await
    }

    /// Hands a copy of a batch over if there is room now, and says whether there was. If not, its
    /// lines have been counted as lost.
    pub fn offer(&self, batch: &Batch) -> bool {
        self.0.queue.offer(batch)
    }

    /// Opens a file anew, between two writes: after its name was given to another. Other outputs
    /// go on as they are.
    pub fn reopen(&self) {
        self.0.reopen.notify_one();
    }

    /// Whether there is no clone of it.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// The next hop, when it is one.
    pub fn hop(&self) -> Option<&Hop> {
        self.0.hop.as_ref()
    }

    /// Takes no more lines, and waits until those that wait have been written, or until
    /// `deadline`. Returns how many lines were lost then; they have been counted. A next hop gets
    /// its FIN.
    pub async fn finish(self, deadline: Instant) -> u64 {
        self.0.queue.close();
        self.0.deadline.send_replace(Some(deadline));
        let task = {
            let mut task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner);
            task.take()
        };
        match task {
            Some(task) => task.await.unwrap_or(0),
            None => 0,
        }
    }
}

impl Drop for Inner {
    /// Without senders nothing more comes, and the writer ends when it has written all.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Writes until there is nothing more to come, or to the deadline. Returns how many lines are lost.
async fn run(
    writer: Writer,
    mut out: Outgoing,
    reopen: Arc<Notify>,
    deadline: watch::Receiver<Option<Instant>>,
) -> u64 {
    let writing = async {
        match writer {
            Writer::File(file) => file.run(&mut out, &reopen).await,
            Writer::Hop(hop) => socket::run(&hop, &mut out).await,
        }
    };
    let over = tokio::select! {
        biased;
        over = writing => over,
        () = passed(deadline) => Over::Late,
    };
    let metrics = out.metrics().clone();
    metrics.up.set(0);
    out.discard(match over {
        Over::Closed => &metrics.lost_closed,
        Over::Done | Over::Late => &metrics.lost_drain,
    })
}

/// Waits for a deadline to be set, and for it to pass.
async fn passed(mut deadline: watch::Receiver<Option<Instant>>) {
    let at = match deadline.wait_for(Option::is_some).await {
        Ok(at) => *at,
        // Nobody can set one any more.
        Err(_) => None,
    };
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
