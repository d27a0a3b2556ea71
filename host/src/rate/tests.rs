//! Bursts, periods and shared limits.

use super::*;

fn rate(bytes: u64, burst: Option<u64>) -> Rate {
    Rate {
        bytes: Some(bytes),
        lines: None,
        burst,
    }
}

/// Reads as much as may be read at once, until it would have to wait.
fn at_once(throttle: &mut Throttle) -> usize {
    let mut read = 0;
    while throttle.settle().is_none() {
        let most = throttle.most();
        throttle.charge(most, 1);
        read += most;
    }
    read
}

#[test]
fn a_burst_comes_at_once_and_the_rest_takes_its_time() {
    let mut throttle = Throttle::new([&Limits::new(&rate(1000, Some(2000)))]);
    let read = at_once(&mut throttle);
    // A machine that is slow here has earned a little more meanwhile.
    assert!((2000..2600).contains(&read), "{read}");
    // A twentieth of the burst at a time.
    let wait = throttle.settle();
    assert!(
        wait.is_none_or(|wait| wait <= Duration::from_millis(101)),
        "{wait:?}"
    );
}

#[test]
fn rates_of_any_size_have_the_period_they_should() {
    for a_second in [
        1,
        7,
        999,
        10_000,
        10_001,
        30_000,
        1 << 20,
        3_000_000_000,
        1 << 40,
    ] {
        let limit = Limit::new(a_second, a_second).expect("a rate");
        let cells = a_second as f64 / limit.unit as f64;
        let period = Duration::from_nanos(1_000_000_000 * limit.unit / a_second).as_secs_f64();
        assert!(
            (cells * period - 1.0).abs() < 1e-4,
            "{a_second}: {cells} × {period}"
        );
    }
}

#[test]
fn connections_of_one_limit_have_one_burst() {
    let total = Limits::new(&rate(10_000, None));
    let mut throttles: Vec<_> = (0..30).map(|_| Throttle::new([&total])).collect();
    let read: usize = throttles.iter_mut().map(at_once).sum();
    assert!((10_000..13_000).contains(&read), "{read}");
}

#[test]
fn lines_are_limited_by_themselves() {
    let limits = Limits::new(&Rate {
        bytes: None,
        lines: Some(10),
        burst: None,
    });
    let mut throttle = Throttle::new([&limits]);
    assert_eq!(throttle.settle(), None);
    assert_eq!(throttle.most(), BLOCK);
    // More than a burst may come in one block: what follows waits for all of it.
    throttle.charge(1 << 30, 100);
    assert!(throttle.settle().is_some());
    let credit = throttle.lines[0].credit;
    assert!((-91..=-88).contains(&credit), "{credit}");
}

#[test]
fn without_limits_nothing_waits() {
    let mut throttle = Throttle::default();
    throttle.charge(usize::MAX, usize::MAX);
    assert_eq!(throttle.settle(), None);
    assert_eq!(throttle.most(), BLOCK);
}
