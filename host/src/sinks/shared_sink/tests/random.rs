//! Upstreams that fail in random ways, plain and over TLS: every line is delivered, counted as lost, or
//! still queued.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::*;
use crate::net::tls::testing::Certificates;
use crate::net::tls::{Client, Server};
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
use crate::sinks::testing::upstreams;
use crate::sinks::upstream::ConnectOptions;

/// The certificates of both ends.
static TLS: LazyLock<(Arc<Server>, Arc<Client>)> = LazyLock::new(|| {
    let files = Certificates::new();
    (files.server("localhost"), files.client())
});

/// What a peer does with one connection.
#[derive(Debug, Clone)]
struct Manners {
    /// How long it does nothing at first.
    waits: Duration,
    /// Whether it sends FIN then.
    half_closes: bool,
    /// How long it reads, then.
    reads: Duration,
    /// Whether a reset ends it; otherwise it closes.
    resets: bool,
}

fn manners() -> impl Strategy<Value = Manners> {
    let time = || prop_oneof![Just(0), 1..400_u64, 400..1500_u64, 1500..8000_u64];
    (time(), any::<bool>(), time(), any::<bool>()).prop_map(
        |(waits, half_closes, reads, resets)| Manners {
            waits: Duration::from_millis(waits),
            half_closes,
            reads: Duration::from_millis(reads),
            resets,
        },
    )
}

/// Reads everything.
const WELL: Manners = Manners {
    waits: Duration::ZERO,
    half_closes: false,
    reads: Duration::from_secs(100_000),
    resets: false,
};

/// How many lines are sent.
const LINES: usize = 2000;

/// Both halves of a peer's connection.
async fn halves(peer: TcpStream, tls: bool) -> Option<(ReadHalf, WriteHalf)> {
    let plain = Plain::Tcp(peer);
    if !tls {
        return Some(plain.into_split());
    }
    // The host may have given up meanwhile.
    TLS.0.accept(plain, Duration::from_secs(10)).await.ok()
}

/// Makes the system acknowledge what has been read, and will be, at once. It may wait for 40 ms after
/// something was sent; here time passes faster. A reset meanwhile would look as if nobody had read
/// (`docs/guarantees.md`).
fn acknowledge(socket: &socket2::Socket) {
    #[cfg(target_os = "linux")]
    socket.set_tcp_quickack(true).expect("set");
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Serves one connection. Returns what it got. It ends only when it has read all that had come.
async fn serve(peer: TcpStream, tls: bool, manners: Manners) -> Vec<u8> {
    let socket = SockRef::from(&peer).try_clone().expect("a descriptor");
    let mut all = Vec::new();
    sleep(manners.waits).await;
    let Some((mut reader, mut writer)) = halves(peer, tls).await else {
        return all;
    };
    if manners.half_closes {
        drop(writer.shutdown().await);
    }
    acknowledge(&socket);
    let mut found = vec![0; 64 * 1024];
    let reading = async {
        while let Ok(count @ 1..) = reader.read(&mut found).await {
            all.extend_from_slice(&found[..count]);
            acknowledge(&socket);
        }
    };
    let ended = timeout(manners.reads, reading).await.is_ok();
    // What the runtime has not noticed yet, too.
    while !ended && matches!(socket.peek(&mut [MaybeUninit::uninit()]), Ok(1)) {
        match timeout(Duration::from_millis(1), reader.read(&mut found)).await {
            Ok(Ok(count @ 1..)) => {
                all.extend_from_slice(&found[..count]);
                acknowledge(&socket);
            }
            // A part of a record.
            Err(_) => {}
            Ok(_) => break,
        }
    }
    if manners.resets {
        socket.set_linger(Some(Duration::ZERO)).expect("set");
    }
    all
}

/// Sends `lines` lines to one of some peers, of which each treats its connections in its manners, and the
/// last one well. Returns how often each line came, and the counts.
async fn run(
    lines: usize,
    pause: u64,
    peers: Vec<Vec<Manners>>,
    options: ConnectOptions,
) -> (BTreeMap<String, usize>, OutputMetrics) {
    let tls = options.tls.is_some();
    let (mut listeners, mut list) = (Vec::new(), Vec::new());
    for _ in &peers {
        let (listener, to) = listen().await;
        listeners.push(listener);
        list.push(if tls {
            to.replace("tcp://127.0.0.1", "tls://localhost")
        } else {
            to
        });
    }
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstreams(&list, options), 4096, counts.clone());
    let sending = tokio::spawn(async move {
        for number in 0..lines {
            sink.send(batch(format!("{number}\n")))
                .await
                .expect("taken");
            sleep(Duration::from_millis(number as u64 % pause)).await;
        }
        sink.finish(late()).await
    });
    let all: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let mut serving = JoinSet::new();
    for (listener, manners) in listeners.into_iter().zip(peers) {
        let got = Arc::clone(&all);
        serving.spawn(async move {
            let (mut manners, mut open) = (manners.into_iter(), JoinSet::new());
            loop {
                // Another connection may come while one is open.
                let peer = accept(&listener).await;
                let (manners, got) = (manners.next().unwrap_or(WELL), Arc::clone(&got));
                open.spawn(async move {
                    let bytes = serve(peer, tls, manners).await;
                    got.lock().expect("not poisoned").push(bytes);
                });
            }
        });
    }
    assert_eq!(sending.await.expect("finished"), 0);
    // The last of them may still be waiting before it reads.
    sleep(Duration::from_secs(60)).await;
    drop(serving);
    let mut came = BTreeMap::new();
    for bytes in &*all.lock().expect("not poisoned") {
        let text = std::str::from_utf8(bytes).expect("digits");
        for line in text
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
        {
            *came.entry(line.to_owned()).or_default() += 1;
        }
    }
    (came, counts)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

/// How a sink reaches its upstreams.
fn reaching(tls: bool, resend: bool) -> ConnectOptions {
    ConnectOptions {
        resend,
        tls: tls.then(|| Arc::clone(&TLS.1)),
        ..options()
    }
}

/// Several upstreams, none of which keeps a connection for long.
fn several() -> impl Strategy<Value = (Vec<Vec<Manners>>, Option<Duration>)> {
    let peers = prop::collection::vec(prop::collection::vec(manners(), 0..8), 1..4);
    let age = prop::option::of((1_u64..9).prop_map(Duration::from_secs));
    (peers, age)
}

/// Without `resend`: no line comes twice, and each that is lost is counted.
fn check_counts(
    pause: u64,
    peers: Vec<Vec<Manners>>,
    options: ConnectOptions,
) -> Result<(), TestCaseError> {
    let (came, counts) = block_on(run(LINES, pause, peers, options));
    let lost = unacknowledged(&counts);
    prop_assert!(came.values().all(|times| *times == 1), "{:?}", came);
    prop_assert_eq!(counts.lines.get() + lost, LINES as u64);
    prop_assert!(
        came.len() as u64 >= counts.lines.get(),
        "{} came, delivered: {}",
        came.len(),
        counts.lines.get()
    );
    prop_assert_eq!((counts.resent.get(), counts.queued.get()), (0, 0));
    Ok(())
}

/// With `resend`: every line comes, and no more come twice than are counted.
fn check_resent(
    pause: u64,
    peers: Vec<Vec<Manners>>,
    options: ConnectOptions,
) -> Result<(), TestCaseError> {
    let (came, counts) = block_on(run(LINES, pause, peers, options));
    prop_assert_eq!(came.len(), LINES);
    prop_assert_eq!(counts.lines.get(), LINES as u64);
    prop_assert_eq!((unacknowledged(&counts), counts.queued.get()), (0, 0));
    let more = came.values().sum::<usize>() - LINES;
    prop_assert!(
        more as u64 <= counts.resent.get(),
        "{} of {}",
        more,
        counts.resent.get()
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn without_resend_no_line_goes_twice_and_each_that_is_lost_is_counted(
        manners in prop::collection::vec(manners(), 1..6),
    ) {
        check_counts(7, vec![manners], reaching(false, false))?;
    }

    #[test]
    fn with_resend_every_line_comes(manners in prop::collection::vec(manners(), 1..6)) {
        check_resent(7, vec![manners], reaching(false, true))?;
    }

    #[test]
    fn among_several_upstreams_no_line_goes_twice_and_each_that_is_lost_is_counted(
        (peers, max_age) in several(),
    ) {
        check_counts(60, peers, ConnectOptions { max_age, ..reaching(false, false) })?;
    }

    #[test]
    fn among_several_upstreams_every_line_comes_with_resend((peers, max_age) in several()) {
        check_resent(60, peers, ConnectOptions { max_age, ..reaching(false, true) })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_over_tls_without_resend(manners in prop::collection::vec(manners(), 1..6)) {
        check_counts(7, vec![manners], reaching(true, false))?;
    }

    #[test]
    fn the_same_over_tls_with_resend(manners in prop::collection::vec(manners(), 1..6)) {
        check_resent(7, vec![manners], reaching(true, true))?;
    }
}
