//! Standard error that is full, slow, closed or on a full disk: lines flow, the admin address answers, a
//! stop drains, and dropped messages are counted.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Metrics, command, eventually, rot13};

/// Counts dropped messages.
const DROPPED: &str = "linemill_log_dropped_total";

/// What the host may take to drain, and then to give up on its log.
const LONGEST_STOP: Duration = Duration::from_secs(8);

const CONFIG: &str = "[host]\nadmin = \"unix:admin.sock\"\nlog = { level = \"trace\" }\n\
                      [[listener]]\nname = \"test\"\nbind = \"unix:in.sock\"\nchain = [\"rot13\"]\n";

/// A host whose standard error is not read as that of others is.
struct Daemon {
    child: Child,
    folder: Folder,
}

impl Daemon {
    /// Starts a host with `stderr`.
    fn start(stderr: impl Into<Stdio>) -> Self {
        let folder = Folder::new();
        let mut command = command(folder.path());
        command.args(["serve", "--config", "linemill.toml"]);
        Self::run(folder, command.stderr(stderr))
    }

    fn run(folder: Folder, command: &mut Command) -> Self {
        folder.write("linemill.toml", CONFIG);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = child.spawn().expect("the binary starts");
        let daemon = Self { child, folder };
        eventually("the host accepts", || {
            Client::try_connect_unix(&daemon.path("in.sock")).ok()
        });
        daemon
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Each connection is logged when it begins and when it ends.
    fn send_lines(&self, connections: usize) {
        for _ in 0..connections {
            let mut client = Client::connect_unix(&self.path("in.sock"));
            assert_eq!(client.exchange(b"Hello\n"), rot13(b"Hello\n"));
        }
    }

    /// The answer of the admin address.
    fn ask(&self, request: &str) -> String {
        let mut client = Client::connect_unix(&self.path("admin.sock"));
        client.send(format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        String::from_utf8(client.rest()).expect("text")
    }

    fn dropped(&self, reason: &str) -> f64 {
        let answer = self.ask("GET /metrics");
        let (_, metrics) = answer.split_once("\r\n\r\n").expect("a body");
        Metrics::parse(metrics).sum(DROPPED, &[("reason", reason)])
    }

    /// Sends lines until messages have been dropped for `reason`.
    fn lines_flow_until_dropped(&self, reason: &str) {
        eventually("messages were dropped", || {
            self.send_lines(50);
            (self.dropped(reason) > 0.5).then_some(())
        });
        self.send_lines(50);
        let answer = self.ask("POST /reload");
        assert!(answer.contains("\"result\":\"unchanged\""), "{answer}");
        let answer = self.ask("GET /readyz");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Stops the host, with a line in flight.
    fn stop(mut self) -> ExitStatus {
        let mut client = Client::connect_unix(&self.path("in.sock"));
        client.send(b"whole\nrest");
        client.expect(b"jubyr\n");
        let id = i32::try_from(self.child.id()).expect("a small number");
        let id = rustix::process::Pid::from_raw(id).expect("not 0");
        let start = Instant::now();
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .expect("the child is ours");
        client.send(b"\n");
        client.expect(b"erfg\n");
        client.finish();
        let status = eventually("the host ends", || {
            self.child.try_wait().expect("the child is ours")
        });
        assert!(start.elapsed() < LONGEST_STOP, "{:?}", start.elapsed());
        status
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pipe() -> (PipeReader, Stdio) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (reader, writer.into())
}

#[test]
fn a_full_disk() {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let host = Daemon::start(full.expect("/dev/full"));
    host.lines_flow_until_dropped("error");
    assert_eq!(host.stop().code(), Some(0));
}

#[test]
fn a_reader_that_has_left() {
    let (reader, stderr) = pipe();
    let host = Daemon::start(stderr);
    host.send_lines(1);
    drop(reader);
    host.lines_flow_until_dropped("error");
    assert_eq!(host.stop().code(), Some(0));
}

#[test]
fn a_reader_that_never_reads() {
    let (reader, stderr) = pipe();
    let host = Daemon::start(stderr);
    host.lines_flow_until_dropped("full");
    assert_eq!(host.stop().code(), Some(0));
    drop(reader);
}

#[test]
fn a_reader_that_takes_a_byte_per_second() {
    let (mut reader, stderr) = pipe();
    let host = Daemon::start(stderr);
    let (ended, ends) = std::sync::mpsc::channel::<()>();
    let reading = thread::spawn(move || {
        let mut byte = [0];
        while ends
            .recv_timeout(Duration::from_secs(1))
            .is_err_and(|left| left == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            reader.read_exact(&mut byte).expect("a byte");
        }
    });
    host.lines_flow_until_dropped("full");
    assert_eq!(host.stop().code(), Some(0));
    drop(ended);
    reading.join().expect("it reads");
}

/// The reader comes back: the log says what it lacks, and goes on in whole lines.
#[test]
fn a_reader_that_reads_again() {
    let (mut reader, stderr) = pipe();
    let host = Daemon::start(stderr);
    host.lines_flow_until_dropped("full");
    let reading = thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).expect("text");
        log
    });
    eventually("the reader has caught up", || {
        let before = host.dropped("full");
        host.send_lines(50);
        (host.dropped("full") - before < 0.5).then_some(())
    });
    let dropped = host.dropped("full");
    assert_eq!(host.stop().code(), Some(0));
    let log = reading.join().expect("it reads");
    let told: f64 = log
        .lines()
        .filter_map(|line| line.split_once("messages of the log were dropped dropped="))
        .map(|(_, count)| count.parse::<f64>().expect("a number"))
        .sum();
    assert!((told - dropped).abs() < 0.5, "{told} of {dropped}");
    let is_whole = |line: &str| line.starts_with("20") || line.contains("listening on ");
    let torn = log.lines().find(|line| !is_whole(line));
    assert_eq!(torn, None);
    assert!(log.trim_end().ends_with("dropped; lines were dropped") || log.contains("drained"));
}

/// A terminal or a pipe that somebody has made non-blocking.
#[test]
fn a_pipe_that_does_not_block() {
    let (reader, writer) = io::pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("a pipe can be non-blocking");
    let host = Daemon::start(writer);
    host.lines_flow_until_dropped("full");
    assert_eq!(host.stop().code(), Some(0));
    drop(reader);
}

#[test]
fn no_standard_error_at_all() {
    let folder = Folder::new();
    let binary = command(folder.path()).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" serve --config linemill.toml 2>&-"]);
    shell.arg(binary).current_dir(folder.path());
    let host = Daemon::run(folder, &mut shell);
    // What would have been its descriptor belongs to nobody else.
    let opened = Path::new("/proc")
        .join(host.child.id().to_string())
        .join("fd/2");
    let target = std::fs::read_link(opened).expect("it has one");
    assert_eq!(target, Path::new("/dev/null"));
    host.send_lines(200);
    assert!(host.ask("GET /readyz").starts_with("HTTP/1.1 200"));
    assert_eq!(host.stop().code(), Some(0));
}

#[test]
fn a_file_has_everything_to_the_end() {
    let folder = Folder::new();
    let log = folder.path().join("log");
    let file = File::create(&log).expect("a file");
    let host = Daemon::start(file);
    host.send_lines(300);
    assert!(host.dropped("full") + host.dropped("error") < 0.5);
    assert_eq!(host.stop().code(), Some(0));
    let text = std::fs::read_to_string(log).expect("text");
    // One more looked whether the host accepts, and one stopped it.
    assert_eq!(text.matches("disconnected").count(), 302, "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|last| last.contains("drained")),
        "{text}"
    );
}
