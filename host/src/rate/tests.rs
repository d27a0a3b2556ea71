//! Bursts, periods and shared limits.

use super::bursts::Bursts;
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
    let mut throttle = Throttle::new(None, Some(&Limits::new(&rate(1000, Some(2000)))));
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
    let mut throttles: Vec<_> = (0..30).map(|_| Throttle::new(None, Some(&total))).collect();
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
    let mut throttle = Throttle::new(None, Some(&limits));
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

/// A new connection of the only client of `bursts`.
fn connect(bursts: &Bursts, rate: &Rate) -> Throttle {
    Throttle::new(Some((&Limits::new(rate), &bursts.of(None))), None)
}

#[test]
fn connecting_again_does_not_renew_a_burst() {
    let (bursts, rate) = (Bursts::default(), rate(1000, Some(2000)));
    let began = Instant::now();
    let read: usize = (0..50).map(|_| at_once(&mut connect(&bursts, &rate))).sum();
    // A connection reads a part of the burst at once.
    let earned = began.elapsed().as_secs_f64() * 1000.0;
    assert!(read >= 2000, "{read}");
    assert!(
        read as f64 <= 2000.0 + earned + 600.0,
        "{read}, {earned} earned"
    );
}

#[test]
fn a_client_that_sends_little_has_its_burst_each_time() {
    let (bursts, rate) = (Bursts::default(), rate(10_000, None));
    for _ in 0..100 {
        let mut throttle = connect(&bursts, &rate);
        assert_eq!(throttle.settle(), None);
        throttle.charge(10, 1);
    }
    let left = at_once(&mut connect(&bursts, &rate));
    assert!(left >= 9000 - 500, "{left}");
}

#[test]
fn other_clients_have_bursts_of_their_own() {
    let (bursts, rate) = (Bursts::default(), rate(1000, None));
    let client = |text: &str| {
        let address = text.parse().expect("an address");
        let used = bursts.of(Some(linemill_sandbox::ClientNetwork::of(address)));
        at_once(&mut Throttle::new(Some((&Limits::new(&rate), &used)), None))
    };
    assert!(client("192.0.2.1") >= 1000);
    assert!(client("192.0.2.1") < 300);
    assert!(client("192.0.2.2") >= 1000);
    assert!(client("2001:db8::1") >= 1000);
    assert!(client("2001:db8::2") < 300);
}

#[test]
fn lines_of_a_client_have_one_burst_too() {
    let bursts = Bursts::default();
    let rate = Rate {
        bytes: None,
        lines: Some(10),
        burst: None,
    };
    let mut first = connect(&bursts, &rate);
    assert_eq!(first.settle(), None);
    first.charge(100, 10);
    assert!(connect(&bursts, &rate).settle().is_some());
}
