//! One connection of a shared sink to its upstream, from the first byte to the last.
//!
//! In: a connection just made, and a queue. Out: the queue's bytes on the connection, and why it ended.
//! Until the connection is proven (`trial`), one line is written and then waited for. What the upstream
//! sends is read and discarded, so that it can go on sending, and so that its end is noticed; reading
//! and writing take turns. A connection that is left for another takes no further line, and ends once
//! everything on it has been delivered.
//! Not here: one read or write (`turn`), connecting, and what follows an end (`writer`).

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use super::probe::Fresh;
use super::receipts::Receipts;
use super::socket::Socket;
use super::trial::{Experience, Trial};
use super::turn::{Turn, is_closed, read, write};
use super::watcher::Leave;
use super::{Link, Upstream};
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::sinks::queue_reader::{Doubtful, QueueReader, Settled};

/// How long the upstream has for its FIN after the host's: closing earlier could reset the
/// connection and lose bytes in flight.
const LINGER: Duration = Duration::from_secs(1);
/// How much of the upstream's answers is read at a time.
const ANSWERS: usize = 16 * 1024;
/// The first and the longest wait before the system is asked again what has been acknowledged.
const ASK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));
/// How often the system is asked without a wait.
const ASK_AT_ONCE: u32 = 100;
/// While there is more to write, it is asked for each such share of the buffer.
const SHARE: usize = 8;
/// Longest time without an acknowledgement on a connection that is left, unless `write_timeout` says so.
const LEAVING: Duration = Duration::from_secs(30);
/// Longer than anything waits.
const IDLE: Duration = Duration::from_secs(3600);

/// Why a connection ended before everything was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The peer closed it.
    #[error("the peer ended the connection")]
    Ended,
    /// The connection failed.
    #[error("{0}")]
    Failed(#[from] io::Error),
    /// Neither was a byte taken, nor was one acknowledged.
    #[error("the peer took nothing for {}", humantime::format_duration(*after))]
    Stalled {
        /// `write_timeout`.
        after: Duration,
    },
}

/// How a connection has been served to its end.
#[derive(Debug)]
pub(super) enum Served {
    /// Nothing more will come. The connection is closed.
    Finished,
    /// The connection is to be left, and nothing is under way on it.
    Left(Leave),
}

/// One connection of a shared sink.
#[derive(Debug)]
pub(super) struct Connection {
    reader: ReadHalf,
    writer: WriteHalf,
    receipts: Receipts,
    trial: Trial,
    opened: Instant,
    /// The peer has sent FIN: no answers will come.
    ended: bool,
    /// Nothing more will come from the queue.
    finishing: bool,
    /// Bytes handed over, of all time.
    written: usize,
    /// Bytes not acknowledged, at most: the system is not asked after every write.
    unacknowledged: usize,
    /// Bytes written since the system was last asked.
    unasked: usize,
    /// When to ask it at the latest.
    ask_at: Option<Instant>,
    /// Whether something is to be taken or acknowledged.
    waits: bool,
    /// When a byte was last taken or acknowledged, or nothing was waiting.
    progress: Instant,
    /// How long to wait before asking the system again.
    ask: Duration,
    /// How often it has been asked without a wait since something changed.
    asked: u32,
}

impl Connection {
    /// `experience` is what its upstream is known for, and `doubtful` happens to lines if it breaks.
    pub(super) fn new(fresh: Fresh, mut experience: Experience, doubtful: Doubtful) -> Self {
        let Fresh {
            link,
            opened,
            ended,
            ..
        } = fresh;
        let Link {
            reader,
            writer,
            socket,
        } = link;
        // It has lasted after its FIN, so its peer merely sends no answers.
        experience.one_way |= ended;
        let tls = matches!(writer, WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_));
        Self {
            reader,
            writer,
            receipts: Receipts::new(socket, tls),
            trial: Trial::new(opened, experience, doubtful),
            opened,
            ended,
            finishing: false,
            written: 0,
            unacknowledged: 0,
            unasked: 0,
            ask_at: None,
            waits: false,
            progress: Instant::now(),
            ask: ASK.0,
            asked: 0,
        }
    }

    /// How it has proven itself so far.
    pub(super) fn trial(&self) -> &Trial {
        &self.trial
    }

    /// Whether it was reset before anything was written to it. The system does so to connections that its
    /// program never accepted, when the program ends.
    pub(super) fn was_refused(&self, broken: &Broken) -> bool {
        let is_reset = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset;
        self.written == 0 && matches!(broken, Broken::Failed(error) if is_reset(error))
    }

    /// When it was made.
    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    /// Writes until nothing more will come, or until `leave` gives a reason to leave the connection, and
    /// everything has been acknowledged. `is_up` is called when it is up, and when that is in doubt.
    pub(super) async fn serve(
        &mut self,
        upstream: &Upstream,
        queue: &mut QueueReader,
        mut is_up: impl FnMut(bool),
        leave: impl Future<Output = Leave>,
    ) -> Result<Served, Broken> {
        let mut leave = pin!(leave);
        let mut leaving = None;
        let mut answers = vec![0; ANSWERS];
        let mut up = false;
        // Set anew only for an earlier time, or once it has fired: to set it for every write costs more than
        // to look in vain now and then.
        let mut wakes_at = Instant::now() + IDLE;
        let mut timer = pin!(sleep_until(wakes_at));
        loop {
            // The same for both, or a moment between them could go unnoticed.
            let now = Instant::now();
            let stops = leaving.as_ref().is_some_and(|leave| self.stops(leave));
            let stalled = self.look(now, stops, upstream, queue)?;
            if self.trial.is_up(now) && !up {
                up = true;
                is_up(true);
            } else if self.trial.is_doubted() && up {
                up = false;
                is_up(false);
            }
            if self.is_done() {
                self.close(queue).await?;
                return Ok(Served::Finished);
            }
            if stops && self.is_delivered(queue) {
                queue.rewind();
                return Ok(leaving.map_or(Served::Finished, Served::Left));
            }
            let most = match self.trial.allowance() {
                _ if stops && !queue.is_inside_line() => Some(0),
                None if stops => Some(usize::MAX),
                allowance => allowance,
            };
            let writes = !self.finishing;
            let at_once = self.asks_at_once(queue);
            if !at_once {
                let wake = self.wake(now, stalled);
                if wake < wakes_at || wakes_at <= now {
                    wakes_at = wake;
                    timer.as_mut().reset(wake);
                }
            }
            // Not biased: neither direction keeps the other waiting.
            tokio::select! {
                read = read(&mut self.reader, &mut answers), if !self.ended => {
                    if read? == 0 {
                        self.end_of_answers(upstream, queue)?;
                    }
                }
                turn = write(&mut self.writer, queue, &self.receipts, most), if writes => {
                    self.note(turn?, queue);
                }
                reason = &mut leave, if leaving.is_none() => leaving = Some(reason),
                () = yield_now(), if at_once => {}
                () = &mut timer, if !at_once => {}
            }
        }
    }

    /// Whether to begin no further line, now that the connection is to be left. If it has not earned its
    /// trust, it is written to until then: it is known later what has been delivered.
    fn stops(&self, leave: &Leave) -> bool {
        let removed = matches!(leave, Leave::Removed);
        removed || self.written == 0 || self.trial.is_trusted()
    }

    /// Whether every line on the connection is whole, and delivered.
    fn is_delivered(&self, queue: &QueueReader) -> bool {
        let counts = self.trial.is_trusted() && !self.trial.is_doubted();
        self.written == 0 || (self.is_acknowledged() && counts && !queue.is_inside_line())
    }

    /// Whether to ask the system again without a wait: senders are waiting for room that the next
    /// acknowledgement will give them, and on a fast path it comes sooner than a timer can fire.
    fn asks_at_once(&mut self, queue: &QueueReader) -> bool {
        let at_once = self.unacknowledged > 0 && self.asked < ASK_AT_ONCE && is_held_up(queue);
        self.asked += u32::from(at_once);
        at_once
    }

    /// Whether to ask the system now. That takes a system call, and what it frees wakes senders, so while
    /// there is more to write it is worth it only for a share of the buffer.
    fn asks(&self, now: Instant, queue: &QueueReader) -> bool {
        let is_due = self.ask_at.is_some_and(|at| at <= now);
        is_due
            || !self.trial.is_trusted()
            || self.finishing
            || self.unasked >= queue.bound() / SHARE
            || is_held_up(queue)
    }

    /// Whether nothing on the connection waits for an acknowledgement.
    fn is_acknowledged(&self) -> bool {
        self.unacknowledged == 0 && !self.receipts.is_unflushed()
    }

    /// Whether everything has been acknowledged, on a connection that works, and nothing more will come.
    fn is_done(&self) -> bool {
        self.finishing && self.is_acknowledged() && (self.written == 0 || self.trial.is_proven())
    }

    /// Asks the system what has been acknowledged, and draws conclusions. Returns when the connection
    /// counts as stalled, if something is waiting. `stops`: no further line is begun.
    fn look(
        &mut self,
        now: Instant,
        stops: bool,
        upstream: &Upstream,
        queue: &mut QueueReader,
    ) -> Result<Option<Instant>, Broken> {
        if self.ended
            && let Some(error) = self.receipts.socket().and_then(Socket::error)
        {
            return Err(error.into());
        }
        if stops || self.asks(now, queue) {
            let unacknowledged = self.receipts.unacknowledged(queue.unacknowledged());
            if unacknowledged < self.unacknowledged {
                (self.progress, self.ask, self.asked) = (now, ASK.0, 0);
            }
            (self.unacknowledged, self.unasked) = (unacknowledged, 0);
        }
        let unacknowledged = self.unacknowledged;
        let acknowledged = self.written - unacknowledged;
        let all = self.is_acknowledged();
        if !self.trial.look(now, acknowledged, all) {
            return Err(Broken::Ended);
        }
        if all && self.trial.lacks_line(now) && queue.is_idle() && queue.is_full() {
            // Senders wait for the room of lines that this connection has taken: none will come.
            return Err(Broken::Ended);
        }
        if self.trial.is_trusted() && !self.trial.is_doubted() {
            queue.acknowledge(unacknowledged);
        }
        let begins = !stops || queue.is_inside_line();
        let writing = begins && self.trial.allowance() != Some(0) && queue.has_output();
        let waited = std::mem::replace(&mut self.waits, writing || !all);
        if !waited || !self.waits {
            self.progress = now;
        }
        let limit = upstream.write_timeout();
        let limit = limit.or(stops.then_some(LEAVING));
        let Some(after) = limit.filter(|_| self.waits) else {
            return Ok(None);
        };
        let at = self.progress + after;
        if at <= now {
            return Err(Broken::Stalled { after });
        }
        Ok(Some(at))
    }

    /// When to look again, if nothing happens before.
    fn wake(&mut self, now: Instant, stalled: Option<Instant>) -> Instant {
        let asks = self.unacknowledged > 0 || (self.ended && !self.trial.is_proven());
        let set = self.ask_at.filter(|at| *at > now);
        self.ask_at = asks.then(|| {
            set.unwrap_or_else(|| {
                let wait = self.ask;
                self.ask = (2 * wait).min(ASK.1);
                now + wait
            })
        });
        let times = [self.ask_at, stalled, self.trial.wake(now)];
        let first = times.into_iter().flatten().min();
        first.unwrap_or_else(|| now + IDLE)
    }

    /// Notes what a turn of writing did.
    fn note(&mut self, turn: Turn, queue: &mut QueueReader) {
        match turn {
            Turn::Wrote {
                count,
                line,
                flushed,
            } => {
                self.receipts.wrote(count);
                if flushed {
                    self.receipts.flushed();
                }
                self.written += count;
                self.unacknowledged += count;
                self.unasked += count;
                self.progress = Instant::now();
                let soon = self.progress + ASK.0;
                self.ask_at = self.ask_at.map(|at| at.min(soon));
                (self.ask, self.asked) = (ASK.0, 0);
                queue.hand_over(count);
                self.trial.wrote(Instant::now(), count, line);
            }
            Turn::Flushed => self.receipts.flushed(),
            Turn::Finished => self.finishing = true,
        }
    }

    /// The peer has sent FIN. It may have gone, or it only sends no answers.
    fn end_of_answers(&mut self, upstream: &Upstream, queue: &QueueReader) -> Result<(), Broken> {
        self.ended = true;
        self.unacknowledged = self.receipts.unacknowledged(queue.unacknowledged());
        let idle = queue.is_idle() && self.unacknowledged == 0;
        let line = queue.is_inside_line().then(|| queue.line());
        let acknowledged = self.written - self.unacknowledged;
        let now = Instant::now();
        if is_closed(&self.writer) || !self.trial.fin(now, acknowledged, idle, line) {
            return Err(Broken::Ended);
        }
        if idle && self.trial.is_doubted() {
            // Only a line can tell, and there is none.
            upstream.note_doubt(&Broken::Ended, 0);
        }
        Ok(())
    }

    /// Whether it was proven and has taken lines, ended by a FIN, and had not earned its trust. A program
    /// that reads all it was sent ends so, and a proxy without a server, too.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.ended && self.trial.was_proven() && !self.trial.is_trusted()
    }

    /// Accounts for everything written, because the connection has ended. What was not sent never will
    /// be. `gone`: its upstream refuses connections, so it was no proxy that has merely lost its server.
    pub(super) fn settle(
        &mut self,
        queue: &mut QueueReader,
        doubtful: Doubtful,
        gone: bool,
    ) -> Settled {
        if let Some(socket) = self.receipts.socket() {
            socket.abort_on_close();
        }
        let all = queue.unacknowledged();
        let known = self.receipts.outstanding(all);
        let judged = self.trial.judge(known, all, self.written, gone);
        queue.settle(judged, doubtful)
    }

    /// Accounts for everything written, because the time for it is over. The connection is not reset:
    /// what the system has is still sent.
    pub(super) fn give_up(&mut self, queue: &mut QueueReader) {
        let all = queue.unacknowledged();
        let known = self.receipts.outstanding(all);
        let judged = if self.trial.is_proven() {
            known
        } else {
            self.trial.judge(known, all, self.written, false)
        };
        queue.settle(judged, Doubtful::Resent);
    }

    /// Ends a connection on which everything has been delivered.
    pub(super) async fn end(mut self) {
        drop(timeout(LINGER, self.closed()).await);
    }

    /// Sends FIN, and waits for the upstream's.
    async fn closed(&mut self) -> io::Result<()> {
        let shut = self.writer.shutdown().await;
        self.receipts.finished();
        shut?;
        let mut answers = vec![0; ANSWERS];
        while !self.ended {
            self.ended = read(&mut self.reader, &mut answers).await? == 0;
        }
        Ok(())
    }

    /// Sends FIN, and gives the upstream time for its own.
    async fn close(&mut self, queue: &mut QueueReader) -> Result<(), Broken> {
        match timeout(LINGER, self.closed()).await {
            // Until then it may have taken lines without anybody there.
            Ok(Err(error)) if !self.trial.is_trusted() => Err(Broken::Failed(error)),
            _ => {
                queue.acknowledge(0);
                Ok(())
            }
        }
    }
}

/// Whether senders are waiting for room, and nothing but an acknowledgement can make some.
fn is_held_up(queue: &QueueReader) -> bool {
    queue.is_full() && queue.is_idle()
}
