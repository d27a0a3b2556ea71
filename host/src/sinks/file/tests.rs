//! Files that are rotated, gone or full, and a standard output that nobody reads.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::sinks::metrics::{LossReason, OutputMetrics};
use crate::sinks::queue::{Lost, Queue};
use crate::sinks::shared_sink::{SharedSink, Writer};
use crate::sinks::testing::{ATTEMPTS_OF_A_MINUTE, MUCH, batch, framed, late, metrics, until};
use linemill_framing::Framing;

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("read")
}

fn to_file(path: &Path, metrics: OutputMetrics) -> io::Result<SharedSink> {
    let writer = FileWriter::at(path, CreateMode::default())?;
    Ok(SharedSink::to_file(writer, MUCH, metrics))
}

/// A reader whose queue holds `text`, without a writer.
async fn reader_of(text: &str) -> QueueReader {
    let queue = Arc::new(Queue::new(MUCH, metrics()));
    queue.put(batch(text)).await.expect("taken");
    queue.close();
    let mut reader = QueueReader::new(queue);
    assert!(reader.ready().await);
    reader
}

#[tokio::test]
async fn lines_go_to_the_end_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log");
    for text in ["a\nb\n", "c\n"] {
        let counts = metrics();
        let sink = to_file(&path, counts.clone()).expect("opened");
        sink.send(batch(text)).await.expect("taken");
        assert_eq!(sink.finish(late()).await, 0);
        assert_eq!(counts.bytes.get(), text.len() as u64);
    }
    assert_eq!(read(&path), "a\nb\nc\n");
}

#[tokio::test]
async fn after_a_rotation_lines_go_to_the_new_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, old) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    let counts = metrics();
    let sink = to_file(&path, counts.clone()).expect("opened");
    sink.send(batch("a\n")).await.expect("taken");
    until(|| counts.lines.get() == 1).await;
    fs::rename(&path, &old).expect("renamed");
    sink.send(batch("b\n")).await.expect("taken");
    until(|| counts.lines.get() == 2).await;
    sink.reopen();
    // Without a line to write, too.
    until(|| path.exists()).await;
    sink.send(batch("c\n")).await.expect("taken");
    assert_eq!(sink.finish(late()).await, 0);
    assert_eq!(read(&old), "a\nb\n");
    assert_eq!(read(&path), "c\n");
}

#[tokio::test(start_paused = true)]
async fn lines_wait_while_a_file_cannot_be_opened_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (logs, away) = (folder.path().join("logs"), folder.path().join("away"));
    fs::create_dir(&logs).expect("made");
    let counts = metrics();
    let path = logs.join("a.log");
    let sink = to_file(&path, counts.clone()).expect("opened");
    until(|| counts.up.get() == 1).await;
    fs::rename(&logs, &away).expect("renamed");
    sink.reopen();
    until(|| counts.up.get() == 0).await;
    sink.send(batch("a\n")).await.expect("taken");
    fs::create_dir(&logs).expect("made");
    until(|| counts.failures.get() > 0).await;
    assert_eq!(sink.finish(late()).await, 0);
    assert_eq!(read(&path), "a\n");
    assert_eq!(read(&away.join("a.log")), "");
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_full_disk_is_tried_with_growing_waits() {
    let counts = metrics();
    let sink = to_file(Path::new("/dev/full"), counts.clone()).expect("opened");
    sink.send(batch("a\nb\n")).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tried = counts.failures.get();
    assert!(ATTEMPTS_OF_A_MINUTE.contains(&tried), "{tried}");
    assert_eq!((counts.up.get(), counts.lines.get()), (0, 0));
    assert_eq!(
        sink.finish(Instant::now() + Duration::from_secs(1)).await,
        2
    );
    assert_eq!(counts.lost.of(LossReason::Drain).get(), 2);
}

#[tokio::test]
async fn a_torn_line_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log");
    fs::write(&path, "a\nhel").expect("written");
    let mut queue = reader_of("a\nhello\n").await;
    queue.advance(5);
    let mut writer = FileWriter::at(&path, CreateMode::default()).expect("opened");
    // As after a write that failed.
    (writer.file, writer.torn) = (None, false);
    assert_eq!(
        writer.run(&mut queue, &Notify::new()).await,
        WriterEnd::Done
    );
    assert_eq!(read(&path), "a\nhello\n");
    assert_eq!(queue.metrics().lines.get(), 2);
}

#[tokio::test]
async fn a_torn_line_goes_whole_into_another_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, old) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    fs::write(&path, "a\nhel").expect("written");
    let mut queue = reader_of("a\nhello\n").await;
    queue.advance(5);
    let mut writer = FileWriter::at(&path, CreateMode::default()).expect("opened");
    writer.file = None;
    fs::rename(&path, &old).expect("renamed");
    assert_eq!(
        writer.run(&mut queue, &Notify::new()).await,
        WriterEnd::Done
    );
    assert_eq!(read(&old), "a\nhel");
    assert_eq!(read(&path), "hello\n");
    assert_eq!(queue.metrics().lines.get(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn lines_for_a_closed_standard_output_are_lost_and_counted() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let writer = FileWriter {
        mode: CreateMode::default(),
        path: None,
        file: Some(Arc::new(File::from(std::os::fd::OwnedFd::from(writer)))),
        identity: None,
        torn: false,
        outage: Arc::new(Outage::new("stdout".to_owned())),
    };
    let counts = metrics();
    let sink = SharedSink::start(Writer::File(writer), MUCH, counts.clone());
    sink.send(batch("a\nb\n")).await.expect("taken");
    until(|| counts.lost.of(LossReason::Closed).get() == 2).await;
    assert_eq!(sink.send(batch("c\n")).await, Err(Lost));
    assert_eq!(counts.lost.of(LossReason::Closed).get(), 3);
    assert_eq!((counts.queued.get(), counts.up.get()), (0, 0));
    let state = sink.state();
    assert!(!state.up && state.reason.is_some(), "{state:?}");
    assert_eq!(sink.finish(late()).await, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_named_pipe_waits_for_its_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let sink = to_file(&path, metrics()).expect("opened later");
    sink.send(batch("a\n")).await.expect("taken");
    let reading = spawn_blocking(move || read(&path));
    assert_eq!(sink.finish(late()).await, 0);
    assert_eq!(reading.await.expect("read"), "a\n");
}

#[test]
#[cfg(unix)]
fn only_a_new_file_gets_the_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines");
    let mode_of = |path: &Path| {
        let found = std::fs::metadata(path).expect("it is there");
        found.permissions().mode() & 0o777
    };
    let mode = CreateMode::new("0662".parse().expect("a mode"));
    FileWriter::at(&path, mode.clone()).expect("created");
    assert_eq!(mode_of(&path), 0o662);
    mode.set("0600".parse().expect("a mode"));
    FileWriter::at(&path, mode.clone()).expect("opened");
    assert_eq!(mode_of(&path), 0o662);
    std::fs::remove_file(&path).expect("it is there");
    FileWriter::at(&path, mode).expect("created");
    assert_eq!(mode_of(&path), 0o600);
}

#[tokio::test]
async fn a_line_that_others_left_open_is_ended_first() {
    for (before, framing, line, after) in [
        ("a\nhel", Framing::Lf, "b\n", "a\nhel\nb\n"),
        ("a\n", Framing::Lf, "b\n", "a\nb\n"),
        ("", Framing::Lf, "b\n", "b\n"),
        ("hel", Framing::Crlf, "b\r\n", "hel\r\nb\r\n"),
        ("hel\r", Framing::Crlf, "b\r\n", "hel\r\nb\r\n"),
        ("hel", Framing::Nul, "b\0", "hel\0b\0"),
        // Nothing ends a frame.
        ("9 hel", Framing::Octet, "1 b", "9 hel1 b"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.log");
        fs::write(&path, before).expect("written");
        let sink = to_file(&path, metrics());
        let sink = sink.expect("opened");
        for _ in 0..2 {
            let batch = framed(line.into(), 1, framing);
            sink.send(batch).await.expect("taken");
        }
        assert_eq!(sink.finish(late()).await, 0);
        assert_eq!(read(&path), format!("{after}{line}"));
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_nothing_gets_a_private_target() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("link");
    symlink("target", &link).expect("a link");
    for waits in [false, true] {
        open_or_create(&link, 0o640, waits).expect("created");
        let target = folder.path().join("target");
        let mode = target.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode & !0o640, 0, "{mode:o}");
        fs::remove_file(target).expect("removed");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn opening_a_pipe_without_a_reader_can_be_told_not_to_wait() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    assert!(open_or_create(&path, 0o600, false).is_err());
    let reader = rustix::fs::open(
        &path,
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK,
        Mode::empty(),
    );
    let _reader = reader.expect("opened");
    let writer = open_or_create(&path, 0o600, false).expect("opened");
    let flags = rustix::fs::fcntl_getfl(&writer).expect("flags");
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
}
