//! Connections that prove themselves, and some that do not.

use super::*;

const ONE_WAY: Experience = Experience {
    settle: SETTLE,
    eager: SETTLE,
    reads: false,
    brief: false,
    gone: false,
    one_way: true,
};

const HALF: Duration = Duration::from_millis(500);

fn after(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn one_line_is_tried_after_half_the_time() {
    let start = Instant::now();
    let mut trial = Trial::new(start, Experience::default(), Doubtful::Lost);
    assert!(trial.look(after(start, 499), 0, true));
    assert_eq!(trial.allowance(), Some(0));
    assert!(trial.look(after(start, 500), 0, true));
    assert!(trial.allowance() > Some(0));
    trial.wrote(after(start, 600), 7, 3);
    assert_eq!(trial.allowance(), Some(3));
    trial.wrote(after(start, 600), 3, 0);
    assert_eq!(trial.allowance(), Some(0));
    // Long enough, not acknowledged.
    assert!(trial.look(after(start, 1200), 0, false));
    assert_eq!(trial.allowance(), Some(0));
    assert!(trial.look(after(start, 1200), 10, true));
    assert_eq!(trial.allowance(), None);
    assert!(!trial.is_trusted());
    assert!(trial.look(after(start, 5000), 10, true));
    assert!(trial.is_trusted());
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_line_is_up_and_its_first_line_is_tried() {
    let start = Instant::now();
    let mut trial = Trial::new(start, Experience::default(), Doubtful::Lost);
    let now = after(start, 9000);
    assert!(trial.look(now, 0, true));
    assert!(trial.is_up(now) && trial.was_up(now) && !trial.is_trusted());
    trial.wrote(after(start, 9000), 10, 0);
    assert!(trial.look(after(start, 9499), 10, true) && !trial.is_proven());
    assert!(trial.look(after(start, 9500), 10, true) && trial.is_proven());
}

/// A proven connection.
fn proven(start: Instant) -> Trial {
    let mut trial = Trial::new(start, Experience::default(), Doubtful::Lost);
    assert!(trial.look(start + HALF, 0, true));
    trial.wrote(start + HALF, 10, 0);
    assert!(trial.look(start + SETTLE, 10, true));
    trial
}

#[tokio::test(start_paused = true)]
async fn after_fin_one_line_is_tried() {
    let start = Instant::now();
    let mut trial = proven(start);
    assert!(trial.fin(after(start, 2000), 10, false, None));
    assert!(trial.is_doubted());
    trial.wrote(after(start, 2000), 10, 0);
    assert_eq!(trial.allowance(), Some(0));
    assert!(trial.look(after(start, 2999), 20, true) && trial.is_doubted());
    assert!(trial.look(after(start, 3000), 20, true));
    assert!(trial.is_proven() && trial.is_one_way());
}

#[tokio::test(start_paused = true)]
async fn a_line_refused_after_fin_did_not_arrive() {
    let start = Instant::now();
    let mut trial = proven(start);
    assert!(trial.look(after(start, 6000), 10, true) && trial.is_trusted());
    assert!(trial.fin(after(start, 6000), 10, false, None));
    trial.wrote(after(start, 6000), 10, 0);
    let judge = |unacknowledged| {
        let known = Outstanding {
            unacknowledged,
            unsent: 0,
        };
        let judged = trial.judge(known, 30, 40, false);
        (judged.unacknowledged, judged.unsent)
    };
    // Ten bytes of these had been acknowledged before.
    assert_eq!(judge(10), (30, 10));
    assert_eq!(judge(20), (30, 10));
    // It was acknowledged, and the peer has gone all the same.
    assert_eq!(judge(0), (30, 0));
}

#[tokio::test(start_paused = true)]
async fn after_fin_trust_is_earned_anew() {
    let start = Instant::now();
    let mut trial = proven(start);
    assert!(trial.look(after(start, 6000), 10, true) && trial.is_trusted());
    assert!(trial.fin(after(start, 6000), 10, false, None) && !trial.is_trusted());
    trial.wrote(after(start, 6000), 10, 0);
    assert!(trial.look(after(start, 7000), 20, true) && trial.is_proven());
    assert!(!trial.is_trusted() && trial.was_trusted);
    let known = Outstanding {
        unacknowledged: 0,
        unsent: 0,
    };
    assert_eq!(trial.judge(known, 20, 30, false).unacknowledged, 20);
    assert!(trial.look(after(start, 11_000), 30, true) && trial.is_trusted());
    assert_eq!(trial.judge(known, 20, 30, false), known);
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_took_before_it_is_trusted_is_in_doubt() {
    let start = Instant::now();
    let known = Outstanding {
        unacknowledged: 1,
        unsent: 1,
    };
    let mut trial = proven(start);
    assert_eq!(trial.judge(known, 30, 30, false).unacknowledged, 30);
    // Nobody takes so much without reading.
    assert!(trial.look(after(start, 1100), TRUSTED_BYTES, false));
    assert_eq!(trial.judge(known, 30, 30, false), known);
}

#[tokio::test(start_paused = true)]
async fn fin_at_once_is_held_against_a_peer_unless_it_was_like_that_before() {
    let start = Instant::now();
    let mut trial = Trial::new(start, Experience::default(), Doubtful::Lost);
    assert!(trial.fin(start, 0, true, None) && trial.is_doubted());
    assert!(trial.look(after(start, 9999), 0, true));
    assert!(!trial.look(after(start, 10_000), 0, true));

    let mut trial = Trial::new(start, ONE_WAY, Doubtful::Lost);
    assert!(trial.fin(start, 0, true, None) && !trial.is_doubted());
    assert!(trial.look(after(start, 10_000), 0, true));

    assert!(!proven(start).fin(after(start, 2000), 10, true, None));
}

#[test]
fn after_fin_a_line_is_missed_once_the_connection_would_have_settled() {
    let start = Instant::now();
    let mut trial = Trial::new(start, Experience::default(), Doubtful::Lost);
    assert!(trial.fin(start, 0, false, None));
    assert!(!trial.lacks_line(start + SETTLE / 2));
    assert!(trial.lacks_line(start + SETTLE));
    trial.wrote(start + SETTLE, 5, 0);
    assert!(!trial.lacks_line(start + 2 * SETTLE));
}

/// A connection with `doubtful` that is proven as early as `known` allows, and breaks so much later.
fn broken_after(known: &mut Experience, doubtful: Doubtful, millis: u64) -> Trial {
    let start = Instant::now();
    let mut trial = Trial::new(start, *known, doubtful);
    let proof = trial.proof;
    assert!(trial.look(start + trial.quiet(), 0, true));
    trial.wrote(start + trial.quiet(), 10, 0);
    assert!(trial.look(start + proof, 10, true) && trial.is_proven());
    known.learn(after(start + proof, millis), &trial);
    trial
}

#[test]
fn a_peer_that_takes_lines_and_closes_is_written_to_later_unless_lines_are_sent_again() {
    let mut known = Experience::default();
    broken_after(&mut known, Doubtful::Lost, 2000);
    let start = Instant::now();
    let now = start + SETTLE;
    for (doubtful, proven) in [(Doubtful::Lost, false), (Doubtful::Resent, true)] {
        let mut trial = Trial::new(start, known, doubtful);
        assert!(trial.look(start + HALF, 0, true));
        trial.wrote(start + HALF, 10, 0);
        assert!(trial.look(now, 10, true));
        // Nobody is told that it is up, unless it takes more than a proxy without a server would.
        assert_eq!((trial.is_proven(), trial.is_up(now)), (proven, false));
        assert!(trial.look(now, TRUSTED_BYTES, true));
        assert_eq!(trial.is_up(now), proven);
    }
}

#[test]
fn one_break_soon_after_the_proof_says_nothing_and_two_do() {
    let mut known = Experience::default();
    broken_after(&mut known, Doubtful::Lost, 100);
    assert_eq!(known.settle, SETTLE);
    broken_after(&mut known, Doubtful::Lost, 100);
    assert_eq!(known.settle, LONG_SETTLE);

    // Trust in between makes the next the first again.
    let mut known = Experience::default();
    for _ in 0..3 {
        let mut trial = broken_after(&mut known, Doubtful::Lost, 100);
        assert!(trial.look(after(trial.opened, 1050), TRUSTED_BYTES, true));
        known.learn(after(trial.opened, 1100), &trial);
        assert_eq!(known.settle, SETTLE);
    }
}

#[test]
fn an_upstream_that_never_lasts_proves_itself_sooner_where_lines_are_sent_again() {
    let (mut known, start) = (Experience::default(), Instant::now());
    let proof = |known, doubtful| Trial::new(start, known, doubtful).proof;
    for (lasted, next) in [(800, 500), (400, 250), (200, 125), (124, 125), (300, 125)] {
        let trial = Trial::new(start, known, Doubtful::Resent);
        known.learn(after(start, lasted), &trial);
        let next = Duration::from_millis(next);
        assert_eq!(proof(known, Doubtful::Resent), next, "{lasted} ms");
        assert_eq!(proof(known, Doubtful::Lost), SETTLE);
    }
    // It lasts again.
    let trial = broken_after(&mut known, Doubtful::Resent, 5000);
    assert_eq!(trial.proof, SHORT_SETTLE);
    assert_eq!(proof(known, Doubtful::Resent), SETTLE);
}

#[test]
fn an_upstream_that_reads_and_never_lasts_proves_itself_sooner() {
    let (mut known, start) = (Experience::default(), Instant::now());
    let mut trial = Trial::new(start, known, Doubtful::Lost);
    assert!(trial.look(start + HALF, 0, true));
    trial.wrote(start + HALF, 10, 0);
    assert!(trial.look(start + SETTLE, 10, true));
    assert!(trial.look(after(start, 1010), TRUSTED_BYTES, true) && trial.is_trusted());
    known.learn(after(start, 1020), &trial);
    let proof = |known| Trial::new(start, known, Doubtful::Lost).proof;
    assert_eq!(proof(known), SETTLE);
    known.learn(after(start, 900), &Trial::new(start, known, Doubtful::Lost));
    assert_eq!(proof(known), HALF);
    // It takes lines and goes, so it may be a proxy that has lost its server.
    broken_after(&mut known, Doubtful::Lost, 100);
    assert_eq!(proof(known), SETTLE);
}

#[test]
fn a_peer_that_has_gone_is_no_proxy_without_a_server() {
    let mut known = Experience::default();
    let proof = |known| Trial::new(Instant::now(), known, Doubtful::Lost).proof;
    broken_after(&mut known, Doubtful::Lost, 2000);
    assert_eq!(proof(known), LONG_SETTLE);
    known.refused();
    assert_eq!(proof(known), SETTLE);
    // It never lasts.
    let start = Instant::now();
    known.learn(after(start, 900), &Trial::new(start, known, Doubtful::Lost));
    assert_eq!(proof(known), HALF);
    // It takes lines and goes again, and this time something listens all the while.
    broken_after(&mut known, Doubtful::Lost, 2000);
    assert_eq!(proof(known), LONG_SETTLE);
}

#[test]
fn a_connection_without_a_line_is_suspicious_if_it_breaks_early() {
    for (lasted, settle) in [(900, SETTLE), (3000, LONG_SETTLE), (60_000, SETTLE)] {
        let (mut known, start) = (Experience::default(), Instant::now());
        let mut trial = Trial::new(start, known, Doubtful::Lost);
        assert!(trial.look(after(start, lasted), 0, true));
        known.learn(after(start, lasted), &trial);
        assert_eq!(known.settle, settle, "{lasted} ms");
    }
}
