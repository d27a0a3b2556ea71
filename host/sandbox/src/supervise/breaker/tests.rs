//! When the breaker of a filter opens and closes, on a clock that the tests move.

use super::*;

const MILLI: Duration = Duration::from_millis(1);

/// A fault on a line of 192.0.2.`client`.
fn of(client: u8, heavy: bool) -> Fell {
    Fell {
        heavy,
        at_start: false,
        client: Some(ClientNetwork::with_link([192, 0, 2, client].into())),
    }
}

/// A closed breaker of a filter that has worked.
fn worked() -> Breaker {
    let breaker = Breaker::new(Gauge::default());
    assert!(!breaker.good());
    breaker
}

/// Reports `faults` faults in turn over ten seconds. Returns whether one of them opened the breaker.
fn opens(breaker: &Breaker, began: Instant, faults: &[Fell]) -> bool {
    let mut now = began;
    faults.iter().cycle().take(1000).any(|fell| {
        now += 10 * MILLI;
        breaker.fault(*fell, now)
    })
}

#[test]
fn one_client_does_not_open_it() {
    let (breaker, now) = (worked(), Instant::now());
    assert!(!opens(&breaker, now, &[of(1, true)]));
    assert!(!opens(&breaker, now, &[of(1, false), of(2, true)]));
    assert!(breaker.is_in_doubt() && !breaker.is_open());
    assert_eq!(breaker.opened(), None);
    // Nor do connections from one network of IPv6, or without an address.
    let fell = |address: &str| Fell {
        client: Some(ClientNetwork::with_link(address.parse().expect(address))),
        ..of(1, true)
    };
    let breaker = worked();
    let network = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:3"].map(fell);
    assert!(!opens(&breaker, now, &network));
    let unix = Fell {
        client: None,
        ..of(1, true)
    };
    assert!(!opens(&breaker, now, &[unix]));
    assert_eq!(
        Some(ClientNetwork::with_link([192, 0, 2, 7].into())),
        fell("::ffff:192.0.2.7").client
    );
}

#[test]
fn several_clients_open_it() {
    let gauge = Gauge::default();
    let (breaker, now) = (Breaker::new(gauge.clone()), Instant::now());
    breaker.good();
    assert!(opens(
        &breaker,
        now,
        &[of(1, false), of(2, false), of(3, false)]
    ));
    assert!(breaker.is_open());
    assert_eq!(gauge.get(), 1);
    assert!(breaker.good(), "any good call closes it");
    assert!(!breaker.is_open());
    assert_eq!((gauge.get(), breaker.times_closed()), (0, 1));
    assert!(!breaker.good(), "it was closed already");
    // What was before does not count.
    assert!(!opens(&breaker, now, &[of(4, true)]));
    let open = Breaker::new(gauge.clone());
    assert!(opens(&open, now, &[of(1, true)]));
    drop(open);
    assert_eq!(gauge.get(), 0);
}

#[test]
fn a_filter_that_never_worked_or_does_not_start_needs_no_second_client() {
    let now = Instant::now();
    assert!(opens(&Breaker::new(Gauge::default()), now, &[of(1, false)]));
    let start = Fell {
        at_start: true,
        ..of(1, true)
    };
    assert!(opens(&worked(), now, &[start]));
}

#[test]
fn nothing_opens_it_within_a_second() {
    let (breaker, now) = (Breaker::new(Gauge::default()), Instant::now());
    for nth in 0..100_000 {
        let fell = of((nth % 7) as u8, nth % 2 == 0);
        assert!(!breaker.fault(fell, now + LEAST - MILLI));
        assert!(!breaker.fault(fell, now));
    }
}

#[test]
fn faults_with_successful_calls_in_between_never_open_it() {
    let (breaker, mut now) = (worked(), Instant::now());
    for nth in 0..100_000 {
        // One bad line in three, seconds apart.
        now += Duration::from_secs(1);
        assert!(!breaker.fault(of((nth % 7) as u8, true), now));
        assert!(!breaker.good());
    }
}

#[test]
fn its_status_shows_probes_that_failed() {
    let (breaker, now) = (Breaker::new(Gauge::default()), Instant::now());
    assert!(opens(&breaker, now, &[of(1, true)]));
    let failed = || breaker.opened().map(|open| open.failed_probes);
    assert_eq!(failed(), Some(0));
    breaker.probe_failed(now + PAUSES.1);
    assert_eq!(failed(), Some(1));
    breaker.good();
    breaker.probe_failed(now);
    assert_eq!(failed(), None);
}
