use std::time::Duration;

use super::{Entry, Inserted, UNTIMED, Window};

/// A window as plain lists, and its limit.
struct Model {
    /// By when they were last seen.
    seen: Vec<u128>,
    /// By when they were new.
    new: Vec<Entry>,
    limit: usize,
}

impl Model {
    fn insert(&mut self, hash: u128) -> Option<Entry> {
        let known = self.seen.iter().position(|&other| other == hash);
        let mut forgotten = None;
        if let Some(index) = known {
            self.seen.remove(index);
            let entry = self.new.iter_mut().find(|entry| entry.hash == hash);
            entry.unwrap().repeats += 1;
        } else {
            if self.seen.len() == self.limit {
                let oldest = self.seen.remove(0);
                forgotten = Some(self.remove(oldest));
            }
            self.new.push(Entry {
                hash,
                repeats: 0,
                since: UNTIMED,
            });
        }
        self.seen.push(hash);
        forgotten
    }

    fn remove(&mut self, hash: u128) -> Entry {
        self.seen.retain(|&other| other != hash);
        let at = self.new.iter().position(|entry| entry.hash == hash);
        self.new.remove(at.unwrap())
    }
}

#[test]
fn agrees_with_plain_lists() {
    for limit in [1, 2, 3, 7, 50] {
        let mut window = Window::new(limit);
        let mut model = Model {
            seen: Vec::new(),
            new: Vec::new(),
            limit,
        };
        let mut random = 1u64;
        let mut below = |limit: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        for step in 0..20_000 {
            match below(10) {
                0 => {
                    window.set_time(Duration::from_nanos(step));
                    let untimed = model.new.iter_mut();
                    let untimed = untimed.filter(|entry| entry.since == UNTIMED);
                    untimed.for_each(|entry| entry.since = step);
                }
                1 => {
                    let first = model.new.first().map(|entry| entry.hash);
                    let forgotten = first.map(|hash| model.remove(hash));
                    assert_eq!(window.forget_first().map(|(_, entry)| entry), forgotten);
                }
                2 if step % 100 == 0 => window.set_seed(step),
                _ => {
                    let hash = u128::from(below(2 * limit as u64));
                    let was_known = model.seen.contains(&hash);
                    let forgotten = model.insert(hash);
                    match window.insert(hash) {
                        Inserted::Known(slot, repeats) => {
                            assert!(was_known && forgotten.is_none());
                            assert_eq!(window.slots[slot as usize].entry.repeats, repeats);
                        }
                        Inserted::New => assert!(!was_known && forgotten.is_none()),
                        Inserted::Instead(_, entry) => assert_eq!(Some(entry), forgotten),
                    }
                }
            }
            let seen = window.by_seen().map(|(_, entry)| entry.hash);
            assert!(
                seen.eq(model.seen.iter().copied()),
                "limit {limit}, step {step}"
            );
            assert!(window.by_new().map(|(_, entry)| entry).eq(&model.new));
            let earliest = model.new.first().map(|entry| entry.since);
            let earliest = earliest.filter(|since| *since != UNTIMED);
            assert_eq!(window.earliest(), earliest.map(Duration::from_nanos));
            assert!(window.len() <= limit && window.slots.len() <= limit + 1);
        }
    }
}
