//! Rung 6: buffers, watermarks and timeouts. `ladder-tokio ADDR:PORT [IDLE [WRITE]]`
//!
//! Teaches: one task per connection reads like the blocking server of rung 2, but is scheduled like
//! the readiness server of rung 5, on all cores. A wait is an expression, so one `select!` waits
//! for several events at once, including time. libevent's bufferevents gave the same to C: an input
//! and an output buffer, watermarks that say when to read, and timeouts.
//!
//! Breaks: nothing that the tests here check. However, what is done to a line is compiled in. A
//! change requires a restart, which breaks every connection. The code also runs with all rights of
//! the server: if it crashes or hangs, so does the server. linemill, the last rung, solves that.
//!
//! Differences from the C code:
//! - After the end of input, the loop ends only when everything has been written. The C code freed
//!   its bufferevent at once, including its output.
//! - Any descriptor is accepted. The C code refused those beyond `FD_SETSIZE`, which is a limit of
//!   `select` only.
//! - The high watermark applies to the write queue, so a client that never reads is not read from.
//!   The C code had one on the input, which it always emptied.
//! - A line that is too long is split after 16,384 bytes, however the reads were cut. The C code
//!   split it where its buffer happened to end.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use bytes::BytesMut;
use linemill_ladder::{CHUNK, HIGH, Lines, is_connection_error, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, sleep_until};

/// The low watermark, in bytes. If reading has stopped at the high watermark, it continues below
/// this one.
const LOW: usize = HIGH / 4;
/// How long to wait if no file descriptor is available for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The timeouts after which a connection is closed.
#[derive(Clone, Copy)]
struct Timeouts {
    /// No byte was read or written.
    idle: Duration,
    /// The write queue is not empty, but the client accepts no byte.
    write: Duration,
}

fn main() -> ExitCode {
    serve(|blocking| {
        let timeouts = Timeouts {
            idle: seconds(2, 60.0)?,
            write: seconds(3, 30.0)?,
        };
        blocking.set_nonblocking(true)?;
        let never = Runtime::new()?.block_on(async {
            let listener = TcpListener::from_std(blocking)?;
            accept(listener, timeouts).await
        });
        never.map(|never| match never {})
    })
}

/// The duration, in seconds, that is the argument at `position`.
fn seconds(position: usize, default: f64) -> io::Result<Duration> {
    let argument = std::env::args().nth(position);
    let number: Result<f64, _> = argument.map_or(Ok(default), |text| text.parse());
    let duration = number
        .map_err(|error| error.to_string())
        .and_then(|number| Duration::try_from_secs_f64(number).map_err(|error| error.to_string()));
    duration.map_err(|error| {
        io::Error::other(format!(
            "argument {position} is not a valid number of seconds: {error}"
        ))
    })
}

/// Accepts connections indefinitely and starts a task for each.
async fn accept(listener: TcpListener, timeouts: Timeouts) -> io::Result<Infallible> {
    loop {
        match listener.accept().await {
            // The task's error is ignored: it means that the client disconnected or timed out.
            Ok((stream, _)) => drop(tokio::spawn(answer(stream, timeouts))),
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one connection until it ends or times out.
async fn answer(mut stream: TcpStream, timeouts: Timeouts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = stream.split();
    let mut chunk = vec![0; CHUNK];
    let (mut lines, mut queue) = (Lines::default(), BytesMut::new());
    // The client has sent its FIN; reading has stopped at the high watermark.
    let (mut ended, mut stopped) = (false, false);
    // When the last byte was read or written; when the last write was, or when the write queue last
    // became non-empty.
    let mut last_activity = Instant::now();
    let mut last_write = last_activity;
    while !ended || !queue.is_empty() {
        stopped = queue.len() >= if stopped { LOW } else { HIGH };
        let mut deadline = last_activity + timeouts.idle;
        if !queue.is_empty() {
            deadline = deadline.min(last_write + timeouts.write);
        }
        tokio::select! {
            // In order of priority: pending output is written before more is read.
            biased;
            count = output.write_buf(&mut queue), if !queue.is_empty() => {
                count?;
                last_activity = Instant::now();
                last_write = last_activity;
            }
            count = input.read(&mut chunk), if !ended && !stopped => {
                last_activity = Instant::now();
                if queue.is_empty() {
                    last_write = last_activity;
                }
                match count? {
                    0 => {
                        ended = true;
                        lines.finish(|part| queue.extend_from_slice(part));
                    }
                    count => {
                        lines.push(&mut chunk[..count], |part| queue.extend_from_slice(part));
                    }
                }
            }
            () = sleep_until(deadline) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    output.shutdown().await
}
