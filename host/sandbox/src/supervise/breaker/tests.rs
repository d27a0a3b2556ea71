//! When a breaker opens, probes and closes, on a clock that the tests move.

use super::*;

const MILLI: Duration = Duration::from_millis(1);

/// Reports at most `limit` consecutive faults, until the breaker opens. After each fault the stream
/// waits as long as the breaker says, and one millisecond more. Returns what the last fault led to,
/// and how many there were.
fn until_open(breaker: &Breaker, now: &mut Instant, heavy: bool, limit: u32) -> (After, u32) {
    for nth in 1..=limit {
        *now += MILLI;
        match breaker.fault(heavy, *now) {
            After::Wait(wait) if nth < limit => *now += wait,
            after => return (after, nth),
        }
    }
    (After::Open, limit)
}

#[test]
fn faults_with_successful_calls_in_between_never_open_it() {
    let (breaker, mut now) = (Breaker::new(Gauge::default()), Instant::now());
    for _ in 0..100_000 {
        // One bad line in three, seconds apart.
        now += Duration::from_secs(1);
        assert_eq!(breaker.admit(now), Admitted::Yes);
        assert_eq!(breaker.fault(true, now), After::Wait(Duration::ZERO));
        assert!(!breaker.good());
    }
}

#[test]
fn a_run_of_bad_lines_among_good_ones_does_not_wait() {
    let (breaker, now) = (Breaker::new(Gauge::default()), Instant::now());
    for _ in 0..1000 {
        for _ in 0..AT_ONCE {
            assert_eq!(breaker.fault(false, now), After::Wait(Duration::ZERO));
        }
        breaker.good();
    }
}

#[test]
fn nothing_opens_it_within_a_second() {
    let (breaker, now) = (Breaker::new(Gauge::default()), Instant::now());
    for nth in 0..100_000 {
        let after = breaker.fault(nth % 2 == 0, now + LEAST - MILLI);
        assert!(matches!(after, After::Wait(_)), "{after:?}");
    }
}

#[test]
fn consecutive_faults_wait_longer_each_time_and_open_it() {
    let gauge = Gauge::default();
    let (breaker, mut now) = (Breaker::new(gauge.clone()), Instant::now());
    let (after, faults) = until_open(&breaker, &mut now, false, 1000);
    assert_eq!(after, After::Opened);
    assert!((OPENS..OPENS + 3).contains(&faults), "{faults}");
    assert_eq!(gauge.get(), 1);
    assert_eq!(breaker.admit(now), Admitted::No);
    assert_eq!(breaker.fault(false, now), After::Open);
    let heavy = Breaker::new(gauge.clone());
    let (after, faults) = until_open(&heavy, &mut now, true, 1000);
    assert_eq!(after, After::Opened);
    assert!(faults < 16, "{faults}");
    drop(heavy);
    drop(breaker);
    assert_eq!(gauge.get(), 0);
}

#[test]
fn probes_follow_growing_pauses_and_a_successful_one_closes_it() {
    let gauge = Gauge::default();
    let (breaker, mut now) = (Breaker::new(gauge.clone()), Instant::now());
    until_open(&breaker, &mut now, false, 1000);
    let mut pause = PAUSES.0;
    for failed in 0..10 {
        assert_eq!(
            breaker.opened().map(|open| open.failed_probes),
            Some(failed)
        );
        assert_eq!(breaker.admit(now + pause - MILLI), Admitted::No);
        now += pause;
        assert_eq!(breaker.admit(now), Admitted::Probe);
        assert_eq!(breaker.admit(now), Admitted::No, "one at a time");
        breaker.probe_failed(now);
        pause = (pause * 2).min(PAUSES.1);
    }
    now += PAUSES.1;
    // A probe whose result is never reported does not prevent the next one.
    assert_eq!(breaker.admit(now), Admitted::Probe);
    now += PAUSES.1;
    assert_eq!(breaker.admit(now), Admitted::Probe);
    assert!(breaker.good());
    assert_eq!(breaker.opened(), None);
    assert_eq!(gauge.get(), 0);
    assert_eq!(breaker.admit(now), Admitted::Yes);
    assert!(!breaker.good(), "it was closed already");
}
