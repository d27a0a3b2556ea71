//! Rung 2: one process per connection. `ladder-fork ADDR:PORT`
//!
//! Teaches: blocking calls need no state except the program's own stack, and processes let many of
//! them wait at once. A process that crashes affects only its own connection.
//!
//! Breaks: a process takes about a millisecond to start and a few hundred KiB of memory, and the
//! scheduler has to handle all that are ready. Thousands of connections reach the limit on
//! processes, and with many short connections most of the time is spent on starting processes.
//! Silent clients are never disconnected.
//!
//! The child is another process of the same program, started with a special argument and with the
//! connection as its standard input. A bare `fork` would be cheaper, but it is unsafe in Rust for a
//! reason: the child has only the thread that forked, and locks that other threads held, such as
//! those of the allocator, stay locked indefinitely. `Command` forks and executes in a single step
//! that is known to be safe.
//!
//! Differences from the C code:
//! - The parent closes its copy of each connection. The C code kept it, so descriptors ran out and
//!   no client ever received the FIN.
//! - The parent reaps children that have ended, at each accept. The C code left them as zombies.
//! - A line that is too long is split, and each part ends with an LF. The C code lost the rest of
//!   the line together with its LF.
//! - A partial line at the end is answered too. All output is written, in as many calls as needed,
//!   before the FIN.
//! - It reads up to 16 KiB at a time. The C code made a system call for each byte.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    server::main()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("error: ladder-fork requires Unix; try ladder-mio");
    ExitCode::FAILURE
}

#[cfg(unix)]
mod server {
    use std::io::{self, ErrorKind, Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::fd::{AsFd as _, OwnedFd};
    use std::process::{Child, Command, ExitCode, Stdio};
    use std::time::Duration;
    use std::{env, thread};

    use linemill_ladder::{CHUNK, Lines, is_connection_error, serve};

    /// The argument that makes this program a child.
    const CHILD: &str = "--connection";
    /// How long to wait after a failed accept, for example if no file descriptor is available.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn main() -> ExitCode {
        if env::args().nth(1).is_none_or(|first| first != CHILD) {
            return serve(parent);
        }
        match child() {
            Ok(()) => ExitCode::SUCCESS,
            // A client that disconnected is not worth reporting.
            Err(_) => ExitCode::FAILURE,
        }
    }

    /// Accepts connections indefinitely and starts a child for each.
    fn parent(listener: TcpListener) -> io::Result<()> {
        let program = env::current_exe()?;
        let mut children: Vec<Child> = Vec::new();
        loop {
            let connection = match listener.accept() {
                Ok((connection, _)) => connection,
                Err(error) if is_connection_error(&error) => continue,
                Err(error) => {
                    eprintln!("accept: {error}");
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            // `try_wait` reaps the children that have ended.
            children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            // The command owns the connection, so the parent's copy is closed together with the
            // command. The listener is closed in the child, because Rust opens all files with
            // close-on-exec.
            let child = Command::new(&program)
                .arg(CHILD)
                .stdin(OwnedFd::from(connection))
                .stdout(Stdio::null())
                .spawn();
            match child {
                Ok(child) => children.push(child),
                Err(error) => eprintln!("cannot start a process for a connection: {error}"),
            }
        }
    }

    /// Serves the connection on standard input until it ends.
    fn child() -> io::Result<()> {
        let mut stream = TcpStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        stream.set_nodelay(true)?;
        let (mut lines, mut answer) = (Lines::default(), Vec::new());
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            lines.push(&mut chunk[..count], |part| answer.extend_from_slice(part));
            // Waits until the client accepts the output. Nothing is read in the meantime, so memory
            // is bounded.
            stream.write_all(&answer)?;
            answer.clear();
        }
        lines.finish(|part| answer.extend_from_slice(part));
        stream.write_all(&answer)?;
        stream.shutdown(Shutdown::Write)
    }
}
