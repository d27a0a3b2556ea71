//! Upstreams that fail in random ways: every line is delivered, counted as lost, or still queued.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::*;
use crate::sinks::upstream::ConnectOptions;

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

/// Serves one connection. Returns what it got. It ends only when it has read all that had come.
async fn serve(mut peer: TcpStream, manners: Manners) -> Vec<u8> {
    let mut all = Vec::new();
    sleep(manners.waits).await;
    if manners.half_closes {
        drop(peer.shutdown().await);
    }
    let reading = async {
        let mut found = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = peer.read(&mut found).await {
            all.extend_from_slice(&found[..count]);
        }
    };
    drop(tokio::time::timeout(manners.reads, reading).await);
    // What the runtime has not noticed yet, too.
    let mut socket = &*socket2::SockRef::from(&peer);
    let mut found = [0; 4096];
    while let Ok(count @ 1..) = std::io::Read::read(&mut socket, &mut found) {
        all.extend_from_slice(&found[..count]);
    }
    if manners.resets {
        reset(peer);
    }
    all
}

/// Sends `lines` lines to a peer that treats its connections in these manners, and the last one well.
/// Returns how often each line came, and the counts.
async fn run(
    lines: usize,
    manners: Vec<Manners>,
    resend: bool,
) -> (BTreeMap<String, usize>, OutputMetrics) {
    let (listener, to) = listen().await;
    let counts = metrics();
    let options = ConnectOptions {
        resend,
        ..options()
    };
    let sink = SharedSink::to_upstream(upstream_with(&to, options), 4096, counts.clone());
    let sending = tokio::spawn(async move {
        for number in 0..lines {
            sink.send(batch(format!("{number}\n")))
                .await
                .expect("taken");
            sleep(Duration::from_millis(number as u64 % 7)).await;
        }
        sink.finish(late()).await
    });
    let all: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let got = Arc::clone(&all);
    let serving = tokio::spawn(async move {
        let mut manners = manners.into_iter();
        loop {
            let peer = accept(&listener).await;
            let bytes = serve(peer, manners.next().unwrap_or(WELL)).await;
            got.lock().expect("not poisoned").push(bytes);
        }
    });
    assert_eq!(sending.await.expect("finished"), 0);
    // The last of them may still be waiting before it reads.
    sleep(Duration::from_secs(60)).await;
    serving.abort();
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn without_resend_no_line_goes_twice_and_each_that_is_lost_is_counted(
        manners in prop::collection::vec(manners(), 1..6),
    ) {
        let (came, counts) = block_on(run(LINES, manners, false));
        let lost = unacknowledged(&counts);
        prop_assert!(came.values().all(|times| *times == 1), "{:?}", came);
        prop_assert_eq!(counts.lines.get() + lost, LINES as u64);
        prop_assert!(came.len() as u64 >= counts.lines.get(), "delivered: {}", counts.lines.get());
        prop_assert_eq!((counts.resent.get(), counts.queued.get()), (0, 0));
    }

    #[test]
    fn with_resend_every_line_comes(manners in prop::collection::vec(manners(), 1..6)) {
        let (came, counts) = block_on(run(LINES, manners, true));
        prop_assert_eq!(came.len(), LINES);
        prop_assert_eq!(counts.lines.get(), LINES as u64);
        prop_assert_eq!((unacknowledged(&counts), counts.queued.get()), (0, 0));
        let more = came.values().sum::<usize>() - LINES;
        prop_assert!(more as u64 <= counts.resent.get(), "{} of {}", more, counts.resent.get());
    }
}
