//! How soon `/healthz` answers while the host is busy with everything else: slow clients at the admin
//! address, a plugin that takes long to compile, reloads, and no descriptor left for clients.
//!
//! In: how many slow clients, and for how long. Out: the slowest answer in each situation, of those that
//! are asked for one after another on new connections.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use linemill_tests::soak;
use linemill_tests::{Folder, Host, guest};

use super::measure::Measure;

/// Slow clients at the admin address.
const SLOW: usize = 1000;
/// Descriptors that the host may have in the last situation.
const DESCRIPTORS: u32 = 256;
/// How long a plugin is compiled at most before it is refused.
const COMPILES: Duration = Duration::from_secs(60);
/// The slowest answer.
const ANSWER: f64 = 100.0;

pub(super) fn run(time: Duration) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    let host = Host::serve_in(folder, soak::config());
    let admin = host.admin();
    let quiet = asked_during(admin, || thread::sleep(time / 4))?;
    let slow: Vec<TcpStream> = (0..SLOW)
        .map(|_| half_a_head(admin))
        .collect::<anyhow::Result<_>>()?;
    let beside_slow = asked_during(admin, || thread::sleep(time))?;
    let storm = asked_during(admin, || reload(&host, time))?;
    let compile = asked_during(admin, || compile(&host))?;
    drop(slow);
    let few = Host::serve_with_descriptors(DESCRIPTORS, soak::config());
    let clients: Vec<_> = (0..DESCRIPTORS + 100)
        .filter_map(|_| TcpStream::connect(few.address()).ok())
        .collect();
    let no_descriptors = asked_during(few.admin(), || thread::sleep(time / 4))?;
    drop(clients);
    let measure = |what: &str, slowest: Duration| {
        Measure::at_most(
            ANSWER,
            " ms",
            format!("slowest answer of /healthz {what}"),
            1000.0 * slowest.as_secs_f64(),
        )
    };
    Ok(vec![
        measure("of an idle host", quiet),
        measure("beside 1,000 slow clients", beside_slow),
        measure("beside these, during a storm of reloads", storm),
        measure("beside these, while a plugin is compiled", compile),
        measure("without a descriptor for clients", no_descriptors),
    ])
}

/// The slowest answer while `meanwhile` runs.
fn asked_during(admin: SocketAddr, meanwhile: impl FnOnce() + Send) -> anyhow::Result<Duration> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            meanwhile();
            over.store(true, Ordering::Relaxed);
        });
        let mut slowest = Duration::ZERO;
        let mut asked = || -> anyhow::Result<()> {
            slowest = slowest.max(ask(admin)?);
            Ok(())
        };
        let mut result = Ok(());
        while !over.load(Ordering::Relaxed) && result.is_ok() {
            result = asked();
            thread::sleep(Duration::from_millis(5));
        }
        result.map(|()| slowest)
    })
}

fn ask(admin: SocketAddr) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(linemill_tests::PATIENCE))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("no answer")?;
    ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "/healthz answers {answer:?}"
    );
    Ok(start.elapsed())
}

/// A client that sends a part of a request, and nothing more.
fn half_a_head(admin: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(admin)?;
    // It may be refused.
    drop(stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: "));
    Ok(stream)
}

/// Changes the configuration as fast as it is loaded.
fn reload(host: &Host, time: Duration) {
    let start = Instant::now();
    for number in 0.. {
        if start.elapsed() > time {
            return;
        }
        host.replace_config(format!("{}\n# {number}\n", soak::config()));
        host.reload();
    }
}

/// Has the host compile a plugin that it refuses after a while.
fn compile(host: &Host) {
    host.folder().write("bomb.wasm", guest::bomb(600, 600, 200));
    host.replace_config(format!(
        "{}\n[filter.bomb]\nplugin = \"./bomb.wasm\"\n",
        soak::config()
    ));
    let start = Instant::now();
    while !host.stderr().contains("compiling it takes more ") && start.elapsed() < COMPILES {
        thread::sleep(Duration::from_millis(50));
    }
}
