//! The queues of taps, as the way of the lines sees them.

use super::*;
use crate::metrics::Metrics;
use linemill_framing::Lines;
use linemill_sandbox::chain::{Chain, StreamState};
use linemill_sandbox::origin::Origin;
use linemill_sandbox::verdict::Rules;

const RULES: Rules = Rules {
    framing: linemill_framing::Framing::Lf,
    max_output: 1024,
};

fn metrics() -> TapMetrics {
    Metrics::default().taps
}

/// A stream of the listener `web` in a chain without stages that `taps` see.
fn stream(taps: &Arc<Taps>) -> StreamState {
    let chain = Chain::new(Vec::new(), []).observed(&taps.observed(), 7, false);
    let origin = Origin {
        listener: Some("web".into()),
        ..Origin::default()
    };
    let cohort = linemill_sandbox::trial::Cohort::NONE;
    StreamState::new(Arc::new(chain), RULES).with(cohort, Arc::new(origin))
}

async fn send(stream: &mut StreamState, count: usize, length: usize) {
    let mut lines = Lines::default();
    (0..count).for_each(|_| lines.push(&vec![b'x'; length], b"\n"));
    let output = stream.process(lines).await;
    assert_eq!(output.lines.len(), count, "a tap changes nothing");
}

fn open(taps: &Arc<Taps>, listener: &str, sample: &str) -> OpenTap {
    let selection = Selection {
        listener: Some(listener.to_owned()),
        sample: sample.parse().expect("a share"),
        ..Selection::default()
    };
    let opened = taps.open(selection, &Budget::unlimited());
    opened.unwrap_or_else(|error| panic!("{error}"))
}

fn waiting(tap: &mut OpenTap) -> usize {
    let mut count = 0;
    while let Ok(delivery) = tap.deliveries.try_recv() {
        count += delivery.observation.len();
        assert_eq!(delivery.observation.generation, 7);
        tap.done(&delivery);
    }
    count
}

#[tokio::test]
async fn a_tap_sees_what_it_covers_until_it_is_closed() {
    let taps = Taps::new(metrics());
    let mut stream = stream(&taps);
    send(&mut stream, 1, 1).await;
    let (mut web, mut other) = (open(&taps, "web", "1/1"), open(&taps, "other", "1/1"));
    send(&mut stream, 3, 1).await;
    assert_eq!((waiting(&mut web), waiting(&mut other)), (3, 0));
    drop(web);
    assert!(taps.attended.load(Ordering::Relaxed));
    drop(other);
    assert!(!taps.attended.load(Ordering::Relaxed));
    assert_eq!(taps.metrics.open.get(), 0);
}

#[tokio::test]
async fn what_finds_no_room_is_counted_and_the_rest_is_seen() {
    let metrics = metrics();
    let taps = Taps::new(metrics.clone());
    let mut stream = stream(&taps);
    let (mut slow, mut fast) = (open(&taps, "web", "1/1"), open(&taps, "web", "1/1"));
    let mut seen = 0;
    for _ in 0..100 {
        send(&mut stream, 10, 1000).await;
        seen += waiting(&mut fast);
    }
    assert_eq!((seen, fast.missed()), (1000, 0));
    let queued = slow.tap.queued.load(Ordering::Relaxed);
    assert!(queued <= QUEUE, "{queued}");
    let kept = waiting(&mut slow);
    assert!(kept > 0 && slow.missed() > 0);
    assert_eq!(kept as u64 + slow.missed(), 1000);
    assert_eq!(metrics.missed.get(), slow.missed());
    assert_eq!(slow.tap.queued.load(Ordering::Relaxed), 0);
    send(&mut stream, 1, 1).await;
    assert_eq!(waiting(&mut slow), 1, "it sees again once there is room");
}

/// An observation may be larger than the queue, but not than [`LARGEST`].
#[tokio::test]
async fn one_large_observation_fits_an_empty_queue() {
    let taps = Taps::new(metrics());
    let (mut stream, mut tap) = (stream(&taps), open(&taps, "web", "1/1"));
    send(&mut stream, 1, QUEUE).await;
    send(&mut stream, 1, 1).await;
    assert_eq!((waiting(&mut tap), tap.missed()), (1, 1));
    send(&mut stream, 1, LARGEST).await;
    assert_eq!((waiting(&mut tap), tap.missed()), (0, 2));
}

#[tokio::test]
async fn batches_without_a_line_of_the_sample_are_not_copied() {
    let taps = Taps::new(metrics());
    let (mut stream, mut tap) = (stream(&taps), open(&taps, "web", "1/10"));
    let mut batches = 0;
    for _ in 0..30 {
        send(&mut stream, 1, 1).await;
        batches += waiting(&mut tap);
    }
    assert_eq!((batches, tap.missed()), (3, 0));
}

#[test]
fn there_are_only_so_many() {
    let taps = Taps::new(metrics());
    let mut all: Vec<_> = (0..MOST).map(|_| open(&taps, "web", "1/1")).collect();
    let refused = taps.open(Selection::default(), &Budget::unlimited());
    assert!(matches!(refused, Err(NotOpened::Full)));
    all.pop();
    open(&taps, "web", "1/1");
    let poor = Budget::new(1, u64::MAX, Metrics::default().memory);
    let refused = taps.open(Selection::default(), &poor);
    assert!(matches!(refused, Err(NotOpened::NoRoom(_))));
    assert_eq!(taps.metrics.open.get(), MOST as i64 - 1);
}
