//! One connection of a shared sink to its upstream, from the first byte to the last.
//!
//! In: a connection just made, and a queue. Out: the queue's bytes on the connection, and why it ended.
//! Until the connection is proven (`trial`), one line is written and then waited for. What the upstream
//! sends is read and discarded, so that it can go on sending, and so that its end is noticed; reading
//! and writing take turns.
//! Not here: connecting, and what follows an end (`writer`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use super::receipts::Receipts;
use super::socket::Socket;
use super::trial::Trial;
use super::{Link, Upstream};
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::sinks::queue_reader::{Doubtful, QueueReader, Settled};

/// How long the upstream has for its FIN after the host's: closing earlier could reset the
/// connection and lose bytes in flight.
const LINGER: Duration = Duration::from_secs(1);
/// Longest write over TLS. It fits one record, which is flushed before the next, so that it is
/// known to the byte what has been written.
const TLS_PIECE: usize = 16 * 1024;
/// How much of the upstream's answers is read at a time.
const ANSWERS: usize = 16 * 1024;
/// The first and the longest wait before the system is asked again what has been acknowledged.
const ASK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));
/// How often the system is asked without a wait.
const ASK_AT_ONCE: u32 = 100;
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

/// One connection of a shared sink.
#[derive(Debug)]
pub(super) struct Connection {
    reader: ReadHalf,
    writer: WriteHalf,
    receipts: Receipts,
    trial: Trial,
    /// The peer has sent FIN: no answers will come.
    ended: bool,
    /// Nothing more will come from the queue.
    finishing: bool,
    /// Bytes handed over, of all time.
    written: usize,
    /// Bytes not acknowledged when the system was last asked.
    unacknowledged: usize,
    /// Whether something is to be taken or acknowledged.
    waits: bool,
    /// When a byte was last taken or acknowledged, or nothing was waiting.
    progress: Instant,
    /// How long to wait before asking the system again.
    ask: Duration,
    /// How often it has been asked without a wait since something changed.
    asked: u32,
}

/// What one turn of writing did.
enum Turn {
    /// `count` bytes were taken, and then the line they are in lacks `line` bytes.
    Wrote {
        count: usize,
        line: usize,
    },
    Flushed,
    /// Nothing more will come from the queue.
    Finished,
}

impl Connection {
    /// `settle` is how long it must last to be proven; a `one_way` peer is expected to send FIN.
    pub(super) fn new(link: Link, settle: Duration, one_way: bool) -> Self {
        let Link {
            reader,
            writer,
            socket,
        } = link;
        let tls = matches!(writer, WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_));
        Self {
            reader,
            writer,
            receipts: Receipts::new(socket, tls),
            trial: Trial::new(Instant::now(), settle, one_way),
            ended: false,
            finishing: false,
            written: 0,
            unacknowledged: 0,
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

    /// Writes until nothing more will come, and everything has been acknowledged.
    pub(super) async fn serve(
        &mut self,
        upstream: &Upstream,
        queue: &mut QueueReader,
    ) -> Result<(), Broken> {
        let mut answers = vec![0; ANSWERS];
        let mut up = false;
        loop {
            // The same for both, or a moment between them could go unnoticed.
            let now = Instant::now();
            let stalled = self.look(now, upstream, queue)?;
            if self.trial.is_up() && !up {
                up = true;
                queue.metrics().up.set(1);
                upstream.outage().over();
            } else if self.trial.is_doubted() && up {
                up = false;
                queue.metrics().up.set(0);
            }
            if self.is_done() {
                return self.close(queue).await;
            }
            let (most, writes) = (self.trial.allowance(), !self.finishing);
            let at_once = self.asks_at_once(queue);
            let wake = if at_once {
                now
            } else {
                self.wake(now, stalled)
            };
            // Not biased: neither direction keeps the other waiting.
            tokio::select! {
                read = self.reader.read(&mut answers), if !self.ended => {
                    if read? == 0 {
                        self.end_of_answers(upstream, queue)?;
                    }
                }
                turn = write(&mut self.writer, queue, &self.receipts, most), if writes => {
                    self.note(turn?, queue);
                }
                () = yield_now(), if at_once => {}
                () = sleep_until(wake), if !at_once => {}
            }
        }
    }

    /// Whether to ask the system again without a wait: senders are waiting for room that the next
    /// acknowledgement will give them, and on a fast path it comes sooner than a timer can fire.
    fn asks_at_once(&mut self, queue: &QueueReader) -> bool {
        let at_once = self.unacknowledged > 0 && self.asked < ASK_AT_ONCE && queue.is_full();
        self.asked += u32::from(at_once);
        at_once
    }

    /// Whether everything has been acknowledged, on a connection that works, and nothing more will come.
    fn is_done(&self) -> bool {
        let acknowledged = self.unacknowledged == 0 && !self.receipts.is_unflushed();
        self.finishing && acknowledged && (self.written == 0 || self.trial.is_proven())
    }

    /// Asks the system what has been acknowledged, and draws conclusions. Returns when the connection
    /// counts as stalled, if something is waiting.
    fn look(
        &mut self,
        now: Instant,
        upstream: &Upstream,
        queue: &mut QueueReader,
    ) -> Result<Option<Instant>, Broken> {
        if self.ended
            && let Some(error) = self.receipts.socket().and_then(Socket::error)
        {
            return Err(error.into());
        }
        let unacknowledged = self.receipts.unacknowledged(queue.unacknowledged());
        if unacknowledged < self.unacknowledged {
            (self.progress, self.ask, self.asked) = (now, ASK.0, 0);
        }
        self.unacknowledged = unacknowledged;
        let acknowledged = self.written - unacknowledged;
        let all = unacknowledged == 0 && !self.receipts.is_unflushed();
        if !self.trial.look(now, acknowledged, all) {
            return Err(Broken::Ended);
        }
        if self.trial.is_trusted() && !self.trial.is_doubted() {
            queue.acknowledge(unacknowledged);
        }
        let writing = self.trial.allowance() != Some(0) && queue.has_output();
        let waited = std::mem::replace(&mut self.waits, writing || !all);
        if !waited || !self.waits {
            self.progress = now;
        }
        let Some(after) = upstream.write_timeout().filter(|_| self.waits) else {
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
        let ask = asks.then(|| {
            let wait = self.ask;
            self.ask = (2 * wait).min(ASK.1);
            now + wait
        });
        let times = [ask, stalled, self.trial.wake(now)];
        let first = times.into_iter().flatten().min();
        first.unwrap_or_else(|| now + IDLE)
    }

    /// Notes what a turn of writing did.
    fn note(&mut self, turn: Turn, queue: &mut QueueReader) {
        match turn {
            Turn::Wrote { count, line } => {
                self.receipts.wrote(count);
                self.written += count;
                self.progress = Instant::now();
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
        let idle = queue.is_idle() && self.unacknowledged == 0;
        let line = queue.is_inside_line().then(|| queue.line());
        let acknowledged = self.written - self.unacknowledged;
        let now = Instant::now();
        if is_closed(&self.writer) || !self.trial.fin(now, acknowledged, idle, line) {
            return Err(Broken::Ended);
        }
        if idle && self.trial.is_doubted() {
            // Only a line can tell, and there is none.
            upstream.outage().failed(&Broken::Ended, 0);
        }
        Ok(())
    }

    /// Accounts for everything written, because the connection has ended. What was not sent never will
    /// be.
    pub(super) fn settle(&mut self, queue: &mut QueueReader, doubtful: Doubtful) -> Settled {
        if let Some(socket) = self.receipts.socket() {
            socket.abort_on_close();
        }
        let all = queue.unacknowledged();
        let known = self.receipts.outstanding(all);
        queue.settle(self.trial.judge(known, all, self.written), doubtful)
    }

    /// Accounts for everything written, because the time for it is over. The connection is not reset:
    /// what the system has is still sent.
    pub(super) fn give_up(&mut self, queue: &mut QueueReader) {
        let all = queue.unacknowledged();
        let known = self.receipts.outstanding(all);
        let judged = if self.trial.is_proven() {
            known
        } else {
            self.trial.judge(known, all, self.written)
        };
        queue.settle(judged, Doubtful::Resent);
    }

    /// Sends FIN, and gives the upstream time for its own.
    async fn close(&mut self, queue: &mut QueueReader) -> Result<(), Broken> {
        let closing = async {
            let shut = self.writer.shutdown().await;
            self.receipts.finished();
            shut?;
            let mut answers = vec![0; ANSWERS];
            while !self.ended {
                self.ended = self.reader.read(&mut answers).await? == 0;
            }
            Ok(())
        };
        match timeout(LINGER, closing).await {
            // Until then it may have taken lines without anybody there.
            Ok(Err(error)) if !self.trial.is_trusted() => Err(Broken::Failed(error)),
            _ => {
                queue.acknowledge(0);
                Ok(())
            }
        }
    }
}

/// Writes or flushes once, at most `most` bytes, or one line if `most` says so.
async fn write(
    writer: &mut WriteHalf,
    queue: &mut QueueReader,
    receipts: &Receipts,
    most: Option<usize>,
) -> io::Result<Turn> {
    if receipts.is_unflushed() {
        writer.flush().await?;
        return Ok(Turn::Flushed);
    }
    if most == Some(0) {
        queue.finished().await;
        return Ok(Turn::Finished);
    }
    if !queue.ready().await {
        return Ok(Turn::Finished);
    }
    let line = most.map(|most| most.min(queue.line()));
    let (block, from) = queue.bytes();
    let left = block.len() - from;
    let piece = match writer {
        WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_) => TLS_PIECE,
        _ => left,
    };
    let most = line.unwrap_or(left).min(piece);
    let count = writer.write(&block[from..from + most]).await?;
    if count == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(Turn::Wrote {
        count,
        line: line.map_or(0, |line| line - count),
    })
}

/// Whether the peer of a Unix socket has closed it, which shows at once. Of TCP it shows later.
#[cfg(unix)]
fn is_closed(writer: &WriteHalf) -> bool {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let WriteHalf::Unix(writer) = writer else {
        return false;
    };
    let ready = pin!(writer.ready(tokio::io::Interest::WRITABLE));
    match ready.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => ready.is_write_closed(),
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}

#[cfg(not(unix))]
fn is_closed(_: &WriteHalf) -> bool {
    false
}
