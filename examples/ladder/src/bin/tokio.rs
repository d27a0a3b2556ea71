//! Rung 6: buffers, watermarks and timeouts. `ladder-tokio ADDR:PORT [IDLE [WRITE]]`
//!
//! Teaches: a task a connection reads like the blocking server of rung 2, and is scheduled like
//! the readiness server of rung 5, on all cores. A wait is an expression, so waiting for several
//! things at once, time among them, is one `select!`. That is what libevent's bufferevents gave C:
//! an input and an output buffer, watermarks that say when to read, and times after which it ends.
//!
//! Breaks: nothing that the tests here try. But what is done to a line is compiled in: to change it
//! is to restart, and to lose every connection; and it runs with all rights of the server, which
//! ends or waits for ever with it. That is where linemill, the last rung, goes on.
//!
//! Done otherwise than in C:
//! - The end of input is no reason to free what is owed: the loop ends when all is written. The C
//!   freed its bufferevent at once, output included.
//! - Any descriptor is taken; the C refused those past `FD_SETSIZE`, a limit of `select` only.
//! - The high watermark is on what is owed, so a client that never reads is not read from. The C
//!   had one on the input, which it always emptied.
//! - A line that is too long is split at its 16,384th byte, whatever the reads were; the C ended it
//!   where its buffer happened to.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use bytes::BytesMut;
use linemill_ladder::{CHUNK, HIGH, Lines, is_of_the_client, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, sleep_until};

/// Once reading has stopped at the high watermark, it goes on below this.
const LOW: usize = HIGH / 4;
/// How long to wait when no descriptor is left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// When a connection is ended.
#[derive(Clone, Copy)]
struct Limits {
    /// No byte either way.
    idle: Duration,
    /// Something is owed, and the client takes none of it.
    write: Duration,
}

fn main() -> ExitCode {
    serve(|listener| {
        let limits = Limits {
            idle: seconds(2, 60.0)?,
            write: seconds(3, 30.0)?,
        };
        listener.set_nonblocking(true)?;
        let never = Runtime::new()?.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            accept(listener, limits).await
        });
        never.map(|never| match never {})
    })
}

/// A time that is an argument.
fn seconds(position: usize, default: f64) -> io::Result<Duration> {
    let given = std::env::args().nth(position);
    let given = given.map_or(Ok(default), |text| text.parse());
    let time = given
        .map_err(|error| error.to_string())
        .and_then(|given| Duration::try_from_secs_f64(given).map_err(|error| error.to_string()));
    time.map_err(|error| io::Error::other(format!("argument {position}, seconds: {error}")))
}

async fn accept(listener: TcpListener, limits: Limits) -> io::Result<Infallible> {
    loop {
        match listener.accept().await {
            // An error of the task is a client that has gone, or was too slow.
            Ok((stream, _)) => drop(tokio::spawn(answer(stream, limits))),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, limits: Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = stream.split();
    let mut chunk = vec![0; CHUNK];
    let (mut lines, mut owed) = (Lines::default(), BytesMut::new());
    // Input has ended; reading has stopped at the high watermark.
    let (mut ended, mut stopped) = (false, false);
    // The last byte either way; the last that was written, or the first that came to be owed.
    let mut moved = Instant::now();
    let mut wrote = moved;
    while !ended || !owed.is_empty() {
        stopped = owed.len() >= if stopped { LOW } else { HIGH };
        let mut deadline = moved + limits.idle;
        if !owed.is_empty() {
            deadline = deadline.min(wrote + limits.write);
        }
        tokio::select! {
            // In turn of urgency: what is owed leaves before more is read.
            biased;
            count = output.write_buf(&mut owed), if !owed.is_empty() => {
                count?;
                moved = Instant::now();
                wrote = moved;
            }
            count = input.read(&mut chunk), if !ended && !stopped => {
                moved = Instant::now();
                if owed.is_empty() {
                    wrote = moved;
                }
                match count? {
                    0 => {
                        ended = true;
                        lines.finish(|part| owed.extend_from_slice(part));
                    }
                    count => {
                        lines.push(&mut chunk[..count], |part| owed.extend_from_slice(part));
                    }
                }
            }
            () = sleep_until(deadline) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    output.shutdown().await
}
