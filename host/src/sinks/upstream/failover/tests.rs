//! Upstreams that go down and come back, without sockets.

use super::*;

/// Upstreams by name, and the time since the test began.
struct Scene {
    start: Instant,
    now: Instant,
    failover: Failover<char>,
}

impl Scene {
    fn new(list: &str) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            failover: Failover::new(list.chars()),
        }
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    /// Connects to what is next, which must be `upstream`, and fails.
    #[track_caller]
    fn fails(&mut self, upstream: char) -> &mut Self {
        assert_eq!(self.failover.next(self.now), Next::Connect(upstream));
        self.failover.failed(&upstream, self.now);
        self
    }

    /// Connects to what is next, which must be `upstream`, and is up.
    #[track_caller]
    fn works(&mut self, upstream: char) -> Option<Change<char>> {
        assert_eq!(self.failover.next(self.now), Next::Connect(upstream));
        self.failover.connected(&upstream, self.now, false);
        self.failover.up()
    }

    /// Moves to `upstream`, whose probe has lasted.
    fn moves(&mut self, upstream: char) -> Option<Change<char>> {
        self.failover.note_back(&upstream);
        self.failover.left();
        self.failover.connected(&upstream, self.now, true);
        self.failover.up()
    }

    /// The connection in use breaks.
    fn breaks(&mut self) -> &mut Self {
        self.failover.broken(self.now, true);
        self
    }

    /// Waits for the next probe. Returns its upstream, and for how many seconds it must last.
    fn probes(&mut self) -> Option<(char, u64)> {
        self.now = self.now.max(self.failover.next_probe()?);
        let (upstream, watch) = self.failover.probe(self.now)?;
        Some((upstream, watch.as_secs()))
    }

    /// Milliseconds since the test began.
    fn millis(&self) -> u128 {
        (self.now - self.start).as_millis()
    }
}

#[test]
fn the_first_in_the_list_is_used_first() {
    let mut scene = Scene::new("abc");
    assert_eq!(scene.works('a'), None);
    assert_eq!(scene.failover.next_probe(), None);
}

#[test]
fn those_after_one_that_fails_are_tried_in_order_and_at_once() {
    let mut scene = Scene::new("abc");
    scene.fails('a').fails('b');
    assert_eq!(scene.works('c'), Some(Change::FailedOver { from: 'a' }));
    assert_eq!(scene.millis(), 0);
}

#[test]
fn when_the_one_in_use_breaks_the_next_is_used() {
    let mut scene = Scene::new("abc");
    scene.works('a');
    scene.after(60_000).breaks();
    assert_eq!(scene.works('b'), Some(Change::FailedOver { from: 'a' }));
    scene.after(60_000).breaks();
    assert_eq!(scene.works('c'), Some(Change::FailedOver { from: 'b' }));
}

#[test]
fn when_all_are_down_none_is_left_out_and_each_has_pauses() {
    let mut scene = Scene::new("abc");
    scene.fails('a').fails('b').fails('c');
    let mut tried = String::new();
    while tried.len() < 300 {
        match scene.failover.next(scene.now) {
            Next::Connect(upstream) => {
                tried.push(upstream);
                // The first of them takes longer to fail than its pause.
                scene.after(if upstream == 'a' { 5_000 } else { 0 });
                scene.failover.failed(&upstream, scene.now);
            }
            Next::Wait(until) => {
                assert!(until > scene.now);
                scene.now = until;
            }
        }
    }
    for upstream in "abc".chars() {
        let times = tried.matches(upstream).count();
        assert!((60..=140).contains(&times), "{upstream}: {tried}");
    }
}

#[test]
fn one_alone_is_tried_with_growing_pauses_and_at_once_after_it_had_worked() {
    let mut scene = Scene::new("a");
    let mut tried = 0;
    while scene.millis() < 60_000 {
        match scene.failover.next(scene.now) {
            Next::Connect(_) => {
                tried += 1;
                scene.fails('a');
            }
            Next::Wait(until) => scene.now = until,
        }
    }
    assert!((75..=98).contains(&tried), "{tried}");
    if let Next::Wait(until) = scene.failover.next(scene.now) {
        scene.now = until;
    }
    assert_eq!(scene.works('a'), None);
    assert_eq!(scene.breaks().works('a'), None);
}

#[test]
fn a_connection_that_has_not_proven_itself_is_not_made_again_at_once() {
    let mut scene = Scene::new("a");
    scene.failover.connected(&'a', scene.now, false);
    scene.failover.broken(scene.now, false);
    assert!(matches!(scene.failover.next(scene.now), Next::Wait(_)));
}

#[test]
fn those_preferred_to_the_one_in_use_are_probed_and_no_others() {
    let mut scene = Scene::new("abcd");
    scene.fails('a').fails('b');
    scene.works('c');
    let mut probed = [scene.probes(), scene.probes()];
    probed.sort();
    assert_eq!(probed, [Some(('a', 10)), Some(('b', 10))]);
    assert!((800..=1000).contains(&scene.millis()));
    assert_eq!(scene.probes(), None);
    assert!(scene.failover.probe_failed(&'a', scene.now));
    assert_eq!(scene.probes(), Some(('a', 10)));
}

#[test]
fn pauses_between_probes_grow_to_ten_seconds() {
    let mut scene = Scene::new("ab");
    scene.fails('a');
    scene.works('b');
    for most in [1000, 2000, 4000, 8000, 10_000, 10_000] {
        let before = scene.millis();
        assert_eq!(scene.probes(), Some(('a', 10)));
        let pause = scene.millis() - before;
        assert!((most * 4 / 5..=most).contains(&pause), "{pause} of {most}");
        assert!(scene.failover.probe_failed(&'a', scene.now));
    }
}

#[test]
fn a_preferred_upstream_is_returned_to_and_watched_for_longer_when_it_does_not_last() {
    let mut scene = Scene::new("ab");
    scene.fails('a');
    scene.works('b');
    for watch in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(scene.probes(), Some(('a', watch)));
        scene.after(1000 * watch);
        assert_eq!(scene.moves('a'), Some(Change::FailedBack { from: 'b' }));
        scene.after(1000).breaks();
        assert_eq!(scene.works('b'), Some(Change::FailedOver { from: 'a' }));
    }
    // It lasts this time.
    assert_eq!(scene.probes(), Some(('a', 300)));
    scene.moves('a');
    scene.after(300_000).breaks();
    scene.works('b');
    assert_eq!(scene.probes(), Some(('a', 10)));
}

#[test]
fn an_upstream_whose_probe_works_is_next_when_the_one_in_use_breaks() {
    let mut scene = Scene::new("abc");
    scene.fails('a');
    scene.works('b');
    scene.probes();
    scene.failover.note_back(&'a');
    scene.after(1000).breaks();
    assert_eq!(scene.works('a'), Some(Change::FailedBack { from: 'b' }));
}

#[test]
fn an_upstream_that_is_down_comes_after_those_of_which_nothing_is_known() {
    let mut scene = Scene::new("abc");
    scene.fails('a');
    scene.works('b');
    scene.after(60_000).breaks();
    assert_eq!(scene.works('c'), Some(Change::FailedOver { from: 'b' }));
}

#[test]
fn a_connection_is_replaced_in_time_and_stays_in_use_until_then() {
    let mut scene = Scene::new("ab");
    scene.works('a');
    let due = scene.now + Duration::from_secs(60);
    scene.failover.replace_at(Some(due));
    assert_eq!(scene.failover.next_probe(), Some(due));
    assert_eq!(scene.probes(), Some(('a', 10)));
    // The upstream takes no other connection.
    assert!(!scene.failover.probe_failed(&'a', scene.now));
    assert_eq!(scene.probes(), Some(('a', 10)));
    assert!(scene.now > due);
    assert_eq!(scene.moves('a'), None);
    assert_eq!(scene.failover.next_probe(), None);
}

#[test]
fn a_list_may_change_around_the_one_in_use() {
    let mut scene = Scene::new("ab");
    scene.works('a');
    scene.failover.set_list("cab".chars());
    assert!(scene.failover.lists_in_use());
    // It is preferred, and nothing is known of it.
    assert_eq!(scene.probes(), Some(('c', 10)));
    assert_eq!(scene.moves('c'), Some(Change::FailedBack { from: 'a' }));
    scene.failover.set_list("ca".chars());
    assert!(scene.failover.lists_in_use());
    assert_eq!(scene.failover.next_probe(), None);
}

#[test]
fn what_is_known_of_an_upstream_outlives_a_change_of_the_list() {
    let mut scene = Scene::new("ab");
    scene.fails('a');
    scene.works('b');
    scene.failover.set_list("abc".chars());
    scene.breaks();
    assert_eq!(scene.works('c'), Some(Change::FailedOver { from: 'b' }));
}

#[test]
fn one_that_the_list_has_no_more_is_left() {
    let mut scene = Scene::new("ab");
    scene.works('a');
    scene.failover.set_list("cb".chars());
    assert!(!scene.failover.lists_in_use());
    scene.failover.left();
    assert_eq!(scene.works('c'), Some(Change::Replaced { from: 'a' }));
}
