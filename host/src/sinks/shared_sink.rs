//! A sink that connections share: standard output, a file, or one connection to one of some upstreams.
//!
//! In: batches of whole lines, framed for the wire, from any number of connections. Out: the same
//! lines, each whole and those of a sender in their order; counts of lines delivered and lost. One
//! task writes. Between it and the senders is a queue bounded by bytes.
//! Not here: framing, which sink a line goes to.
//!
//! A line counts as delivered when a file has it, or when an upstream's system has acknowledged it on
//! a connection that proved to work (`upstream::trial`). Lines that the upstream loses afterwards go
//! unnoticed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::batch::Batch;
use super::create_mode::CreateMode;
use super::file::FileWriter;
use super::outage::{Outage, SinkState};
use super::queue::{Buffer, Lost, Queue};
use super::queue_reader::{QueueReader, WriterEnd};
use super::upstream::{UpstreamList, writer};
use crate::sinks::metrics::{LossReason, OutputMetrics};
use linemill_config::settings::Mode;

#[cfg(test)]
mod tests;

/// A hold on a sink that connections share. Clones refer to the same one. When the last hold is
/// dropped, the sink ends once everything has been written.
#[derive(Debug, Clone)]
pub struct SharedSink(Arc<Hold>);

/// Drops a hold of the queue when it is dropped.
#[derive(Debug)]
struct Hold(Arc<Inner>);

/// A sink, whether or not anybody holds it.
#[derive(Debug, Clone)]
pub(super) struct RunningSink(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    /// Wakes a file's writer to reopen the file.
    reopen: Arc<Notify>,
    /// When to give up; `None` until the sink is asked to finish.
    deadline: watch::Sender<Option<Instant>>,
    /// The writer's task, until somebody waits for its end. It returns the number of lines lost.
    task: Mutex<Option<JoinHandle<u64>>>,
    place: Place,
}

/// Where a sink's lines go, for those who ask or change it.
#[derive(Debug)]
enum Place {
    File {
        /// The mode of a file that has to be created.
        mode: CreateMode,
        outage: Arc<Outage>,
    },
    /// The writer follows changes of the list.
    Upstreams(watch::Sender<UpstreamList>),
}

/// The kinds of shared sinks.
#[derive(Debug)]
pub(super) enum Writer {
    File(FileWriter),
    Upstreams(UpstreamList),
}

impl SharedSink {
    /// A file, or standard output. At most `buffer` bytes wait for it.
    pub(super) fn to_file(
        writer: FileWriter,
        buffer: impl Into<Buffer>,
        metrics: OutputMetrics,
    ) -> Self {
        Self::start(Writer::File(writer), buffer, metrics)
    }

    /// One connection to one of `upstreams`, replaced when it breaks. At most `buffer` bytes wait for it.
    pub fn to_upstreams(
        upstreams: UpstreamList,
        buffer: impl Into<Buffer>,
        metrics: OutputMetrics,
    ) -> Self {
        Self::start(Writer::Upstreams(upstreams), buffer, metrics)
    }

    pub(super) fn start(writer: Writer, buffer: impl Into<Buffer>, metrics: OutputMetrics) -> Self {
        let queue = Arc::new(Queue::new(buffer, metrics));
        let (deadline, deadline_set) = watch::channel(None);
        let reopen = Arc::new(Notify::new());
        let reader = QueueReader::new(Arc::clone(&queue));
        let (place, task) = match writer {
            Writer::File(file) => {
                let place = Place::File {
                    mode: file.mode(),
                    outage: Arc::clone(file.outage()),
                };
                let reopen = Arc::clone(&reopen);
                let task = tokio::spawn(write_file(file, reader, reopen, deadline_set));
                (place, task)
            }
            Writer::Upstreams(list) => {
                let (sender, list) = watch::channel(list);
                let task = tokio::spawn(write_upstreams(list, reader, deadline_set));
                (Place::Upstreams(sender), task)
            }
        };
        Self(Arc::new(Hold(Arc::new(Inner {
            queue,
            reopen,
            deadline,
            task: Mutex::new(Some(task)),
            place,
        }))))
    }

    /// Sets the mode of a file that has to be created from now on; without effect on upstreams.
    pub(super) fn set_file_mode(&self, mode: Mode) {
        if let Place::File { mode: set, .. } = &self.inner().place {
            set.set(mode);
        }
    }

    /// Sets the upstreams that lines go to from now on, or tells the writer that their options have
    /// changed; without effect on a file.
    pub(super) fn set_upstreams(&self, list: UpstreamList) {
        if let Place::Upstreams(known) = &self.inner().place {
            known.send_replace(list);
        }
    }

    fn inner(&self) -> &Inner {
        &self.0.0
    }

    /// The sink itself, without a hold on it.
    pub(super) fn running(&self) -> RunningSink {
        RunningSink(Arc::clone(&self.0.0))
    }

    /// Lets `buffer` bytes wait.
    pub(super) fn set_buffer(&self, buffer: usize) {
        self.inner().queue.set_bound(buffer);
    }

    /// Lets `buffer` bytes wait, if that is more than before.
    pub(super) fn raise_buffer(&self, buffer: usize) {
        self.set_buffer(buffer.max(self.inner().queue.bound()));
    }

    /// Hands a batch over as soon as there is room. One that is larger than the whole queue waits
    /// until the queue is empty. When this future is dropped before it is ready, the batch has
    /// neither been sent nor counted.
    ///
    /// # Errors
    /// When the sink takes no more lines.
    pub async fn send(&self, batch: Batch) -> Result<(), Lost> {
        self.inner().queue.put(batch).await
    }

    /// Hands a copy of a batch over if there is room now. Returns whether there was; otherwise its
    /// lines have been counted as lost.
    pub fn offer(&self, batch: &Batch) -> bool {
        self.inner().queue.offer(batch)
    }

    /// The upstreams that it connects to, if it does.
    pub fn upstreams(&self) -> Option<UpstreamList> {
        self.running().upstreams()
    }

    /// Whether both are holds on the same sink.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }

    #[cfg(test)]
    pub(super) fn reopen(&self) {
        self.running().reopen();
    }

    /// Whether it is up, why not, since when, and what waits.
    pub fn state(&self) -> SinkState {
        self.running().state()
    }

    /// The destination, as written in the configuration; several upstreams with commas between them.
    pub fn to(&self) -> String {
        match &self.inner().place {
            Place::File { outage, .. } => outage.to().to_owned(),
            Place::Upstreams(list) => list.borrow().to(),
        }
    }

    #[cfg(test)]
    pub(super) async fn finish(self, deadline: Instant) -> u64 {
        self.running().finish(deadline).await
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.queue.drop_hold();
    }
}

impl RunningSink {
    /// Takes a hold on it; `None` when it has ended.
    pub(super) fn hold(&self) -> Option<SharedSink> {
        let held = self.0.queue.lifetime().take();
        held.then(|| SharedSink(Arc::new(Hold(Arc::clone(&self.0)))))
    }

    /// Whether its writer has ended; `false` once somebody waits for that.
    pub(super) fn is_over(&self) -> bool {
        let task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Reopens a file between two writes, after a log rotation has moved it. Other sinks are not
    /// affected.
    pub(super) fn reopen(&self) {
        self.0.reopen.notify_one();
    }

    /// The upstreams that it connects to, if it does.
    pub(super) fn upstreams(&self) -> Option<UpstreamList> {
        match &self.0.place {
            Place::File { .. } => None,
            Place::Upstreams(list) => Some(list.borrow().clone()),
        }
    }

    /// Whether it is up, why not, since when, and what waits.
    pub(super) fn state(&self) -> SinkState {
        let queue = &self.0.queue;
        let (queued, rates) = (queue.queued(), queue.throughput().rates());
        match &self.0.place {
            Place::File { outage, .. } => outage.state(queued, rates),
            Place::Upstreams(list) => list.borrow().state(queued, rates),
        }
    }

    /// Closes the sink, and waits until everything queued has been written, or until `deadline`.
    /// Returns how many lines were lost; they have been counted. An upstream gets a FIN.
    pub(super) async fn finish(&self, deadline: Instant) -> u64 {
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

/// Writes until nothing more will come, or until the deadline. Returns how many lines are lost.
async fn write_file(
    file: FileWriter,
    mut reader: QueueReader,
    reopen: Arc<Notify>,
    deadline: watch::Receiver<Option<Instant>>,
) -> u64 {
    let end = tokio::select! {
        biased;
        end = file.run(&mut reader, &reopen) => end,
        () = passed(deadline) => WriterEnd::TooLate,
    };
    ended(end, reader)
}

/// Writes until nothing more will come, or until the deadline. Returns how many lines are lost.
async fn write_upstreams(
    list: watch::Receiver<UpstreamList>,
    mut reader: QueueReader,
    deadline: watch::Receiver<Option<Instant>>,
) -> u64 {
    let end = writer::run(list, &mut reader, passed(deadline)).await;
    ended(end, reader)
}

/// Accounts for the lines that are left. Returns how many are lost.
fn ended(end: WriterEnd, reader: QueueReader) -> u64 {
    let metrics = reader.metrics().clone();
    metrics.up.set(0);
    let reason = match end {
        WriterEnd::Closed => LossReason::Closed,
        WriterEnd::Done | WriterEnd::TooLate => LossReason::Drain,
    };
    reader.discard(metrics.lost.of(reason))
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
