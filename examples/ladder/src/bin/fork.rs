//! Rung 2: one process a connection. `ladder-fork ADDR:PORT`
//!
//! Teaches: blocking calls need no state but the program's own stack, and processes let many of
//! them wait at once. One that crashes takes one connection with it.
//!
//! Breaks: a process costs about a millisecond to start and some hundred KiB to keep, and the
//! scheduler has to go through all that are ready. Thousands of connections end at the limit on
//! processes; a flood of short ones is spent on starting. Nothing ends a client that is silent.
//!
//! The child is this program once more, told by an argument, with the connection as its standard
//! input. A bare `fork` would be cheaper, but is unsafe in Rust for a reason: the child has only
//! the thread that forked, and locks that other threads held, those of the allocator among them,
//! stay locked for ever. `Command` forks and executes in one step that is known to be right.
//!
//! Done otherwise than in C:
//! - The parent closes its copy of each connection. The C kept it: descriptors ran out, and no
//!   client ever saw the FIN.
//! - The parent collects children that have ended, at each accept; the C left them as zombies.
//! - A line that is too long is split, each part with an LF, where the C lost the LF with the rest.
//! - A rest without LF is owed too. All is written, in as many calls as it takes, before the FIN.
//! - It reads 16 KiB at a time where the C asked the system for each byte.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    server::main()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("error: only Unix hands a connection to another process as its standard input");
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

    use linemill_ladder::{CHUNK, Lines, is_of_the_client, serve};

    /// The argument that makes this program a child.
    const CHILD: &str = "--connection";
    /// How long to wait when the system has no descriptor or process left.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn main() -> ExitCode {
        if env::args().nth(1).is_none_or(|first| first != CHILD) {
            return serve(parent);
        }
        match child() {
            Ok(()) => ExitCode::SUCCESS,
            // A client that has gone is nothing to report.
            Err(_) => ExitCode::FAILURE,
        }
    }

    /// Accepts for ever.
    fn parent(listener: TcpListener) -> io::Result<()> {
        let program = env::current_exe()?;
        let mut children: Vec<Child> = Vec::new();
        loop {
            let connection = match listener.accept() {
                Ok((connection, _)) => connection,
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => {
                    eprintln!("accept: {error}");
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            // Those that have ended are told to the system to be forgotten.
            children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            // The command owns the connection, so the parent's copy is closed with it. The
            // listener is closed in the child, as all that Rust opens: close-on-exec.
            let child = Command::new(&program)
                .arg(CHILD)
                .stdin(OwnedFd::from(connection))
                .stdout(Stdio::null())
                .spawn();
            match child {
                Ok(child) => children.push(child),
                Err(error) => eprintln!("a connection without a process: {error}"),
            }
        }
    }

    /// Answers the connection that is standard input, until it ends.
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
            // Waits until the client has room. Nothing is read meanwhile, so memory is bounded.
            stream.write_all(&answer)?;
            answer.clear();
        }
        lines.finish(|part| answer.extend_from_slice(part));
        stream.write_all(&answer)?;
        stream.shutdown(Shutdown::Write)
    }
}
