//! When the breaker of a stream opens, probes and closes, on a clock that the tests move.

use super::super::{AT_ONCE, Fell, LEAST, OPENS};
use super::*;

const MILLI: Duration = Duration::from_millis(1);

/// The filter's breaker, closed.
fn filter() -> Breaker {
    let filter = Breaker::new(Gauge::default());
    filter.good();
    filter
}

/// Opens the breaker of a filter.
fn open(filter: &Breaker) {
    let now = Instant::now();
    let fell = Fell {
        heavy: true,
        at_start: true,
        client: None,
    };
    let opened = (0..OPENS).any(|nth| filter.fault(fell, now + nth * LEAST));
    assert!(opened);
}

/// Reports consecutive faults until the breaker opens. After each the stream waits as long as the breaker
/// says, and one millisecond more. Returns how many there were.
fn until_open(stream: &mut StreamBreaker, gauge: &Gauge, now: &mut Instant, heavy: bool) -> u32 {
    for nth in 1..1000 {
        *now += MILLI;
        match stream.fault(heavy, &filter(), gauge, *now) {
            Some(wait) => *now += wait,
            None => return nth,
        }
    }
    panic!("it never opens");
}

#[test]
fn consecutive_faults_wait_longer_each_time_and_open_it() {
    let (gauge, mut now) = (Gauge::default(), Instant::now());
    let mut stream = StreamBreaker::default();
    let faults = until_open(&mut stream, &gauge, &mut now, false);
    assert!((OPENS..OPENS + 3).contains(&faults), "{faults}");
    let mut heavy = StreamBreaker::default();
    let faults = until_open(&mut heavy, &gauge, &mut now, true);
    assert!(faults < 16, "{faults}");
    assert_eq!(gauge.get(), 2);
    drop((stream, heavy));
    assert_eq!(gauge.get(), 0);
}

#[test]
fn a_run_of_bad_lines_among_good_ones_does_not_wait() {
    let (filter, gauge, now) = (filter(), Gauge::default(), Instant::now());
    let mut stream = StreamBreaker::default();
    for _ in 0..1000 {
        for _ in 0..AT_ONCE {
            let wait = stream.fault(false, &filter, &gauge, now);
            assert_eq!(wait, Some(Duration::ZERO));
        }
        assert!(!stream.good());
        assert!(stream.0.is_none());
    }
}

#[test]
fn probes_follow_growing_pauses_and_a_successful_one_closes_it() {
    let (filter, gauge, mut now) = (filter(), Gauge::default(), Instant::now());
    let mut stream = StreamBreaker::default();
    until_open(&mut stream, &gauge, &mut now, false);
    let mut pause = PAUSES.0;
    for _ in 0..10 {
        assert_eq!(
            stream.admit(&filter, false, now + pause - MILLI),
            Admitted::No
        );
        // A stream of many clients is never kept out.
        now += pause;
        assert_eq!(stream.admit(&filter, false, now), Admitted::Probe);
        assert_eq!(
            stream.admit(&filter, false, now),
            Admitted::No,
            "one at a time"
        );
        assert_eq!(stream.admit(&filter, true, now), Admitted::Probe);
        pause = (pause * 2).min(PAUSES.1);
        assert_eq!(stream.probe_failed(&filter, &gauge, now), now + pause);
        assert_eq!(gauge.get(), 1);
    }
    assert!(stream.good());
    assert_eq!((stream.is_open(), gauge.get()), (false, 0));
    assert_eq!(stream.admit(&filter, false, now), Admitted::Yes);
    assert!(!stream.good(), "it was closed already");
}

#[test]
fn while_the_filter_is_in_doubt_each_stream_is_a_probe_once() {
    let (filter, gauge, now) = (filter(), Gauge::default(), Instant::now());
    open(&filter);
    let (mut good, mut bad) = (StreamBreaker::default(), StreamBreaker::default());
    assert_eq!(good.admit(&filter, false, now), Admitted::Probe);
    assert_eq!(bad.admit(&filter, false, now), Admitted::Probe);
    bad.probe_failed(&filter, &gauge, now);
    assert_eq!(bad.admit(&filter, false, now), Admitted::No);
    assert_eq!(good.admit(&filter, false, now), Admitted::Probe);
    // The filter works again: those that it failed may try at once, but only once.
    assert!(filter.good());
    assert_eq!(good.admit(&filter, false, now), Admitted::Yes);
    assert_eq!(bad.admit(&filter, false, now), Admitted::Probe);
    assert_eq!(bad.admit(&filter, false, now), Admitted::No);
}
