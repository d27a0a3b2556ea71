use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;

use super::*;

const LIMITS: StoreLimits = StoreLimits {
    keys: 10_000,
    bytes: 1 << 20,
};

fn store() -> Arc<Store> {
    let budget = Budget::unlimited();
    Stores::default().of("it", &budget)
}

fn at(now: u64) -> Times {
    Times { now, expiry: None }
}

/// Something to do with a key.
#[derive(Debug, Clone)]
enum Step {
    Get,
    Set(Vec<u8>, Option<u64>),
    CompareAndSet(Option<Vec<u8>>, Vec<u8>),
    Add(i64, Option<u64>),
    Delete,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let value = || prop::collection::vec(0..3_u8, 0..3);
    let step = prop_oneof![
        Just(Step::Get),
        (value(), prop::option::of(0..9_u64)).prop_map(|(value, expiry)| Step::Set(value, expiry)),
        (prop::option::of(value()), value())
            .prop_map(|(expected, value)| Step::CompareAndSet(expected, value)),
        (any::<i64>(), prop::option::of(0..9_u64))
            .prop_map(|(amount, expiry)| Step::Add(amount, expiry)),
        Just(Step::Delete),
        (0..5_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec((0..4_u8, step), 0..60)
}

proptest! {
    #[test]
    fn it_does_what_a_map_with_times_does(steps in steps()) {
        let store = store();
        let mut map: BTreeMap<Vec<u8>, (Vec<u8>, u64)> = BTreeMap::new();
        let mut now = 0;
        for (key, step) in steps {
            let key = vec![key];
            map.retain(|_, (_, until)| *until > now);
            let until = |expiry: Option<u64>| expiry.map_or(NEVER, |expiry| now + expiry);
            match step {
                Step::Get => {
                    let expected = map.get(&key).map(|(value, _)| value.clone());
                    prop_assert_eq!(store.get(&key, now), expected);
                }
                Step::Set(value, expiry) => {
                    prop_assert_eq!(store.set(&key, &value, Times { now, expiry }, LIMITS), Ok(()));
                    map.insert(key, (value, until(expiry)));
                }
                Step::CompareAndSet(expected, value) => {
                    let same = map.get(&key).map(|(value, _)| value) == expected.as_ref();
                    let written = store.compare_and_set(&key, expected.as_deref(), &value, at(now), LIMITS);
                    prop_assert_eq!(written, Ok(same));
                    if same {
                        map.insert(key, (value, NEVER));
                    }
                }
                Step::Add(amount, expiry) => {
                    let (number, until) = match map.get(&key) {
                        None => (Some(0), until(expiry)),
                        Some((value, until)) => {
                            (value.as_slice().try_into().ok().map(i64::from_le_bytes), *until)
                        }
                    };
                    let sum = number.and_then(|number| number.checked_add(amount));
                    let found = store.add(&key, amount, Times { now, expiry }, LIMITS);
                    prop_assert_eq!(found, sum.ok_or(NotStored::NotANumber));
                    if let Some(sum) = sum {
                        map.insert(key, (sum.to_le_bytes().into(), until));
                    }
                }
                Step::Delete => {
                    prop_assert_eq!(store.delete(&key, now), map.remove(&key).is_some());
                }
                Step::Pass(time) => now += time,
            }
        }
        // What is counted is what there is.
        store.expire(u64::MAX - 1);
        map.retain(|_, (_, until)| *until == NEVER);
        let bytes: usize = map.iter().map(|(key, (value, _))| key.len() + value.len()).sum();
        prop_assert_eq!(store.keys.load(Ordering::Relaxed), map.len() as u64);
        prop_assert_eq!(store.bytes.load(Ordering::Relaxed), bytes as u64);
    }
}

#[test]
fn a_full_store_refuses_and_expired_entries_make_room() {
    let store = store();
    let limits = StoreLimits {
        keys: 3,
        bytes: 100,
    };
    let expiring = Times {
        now: 0,
        expiry: Some(10),
    };
    for key in [b"a", b"b", b"c"] {
        assert_eq!(store.set(key, b"1", expiring, limits), Ok(()));
    }
    assert_eq!(store.set(b"d", b"1", at(9), limits), Err(NotStored::Full));
    assert_eq!(
        store.set(b"a", b"2", at(9), limits),
        Ok(()),
        "not a new key"
    );
    assert_eq!(store.set(b"d", b"1", at(10), limits), Ok(()));
    assert_eq!(store.get(b"a", 10), Some(b"2".to_vec()));
    let value = [0; 90];
    assert_eq!(store.set(b"e", &value, at(11), limits), Ok(()));
    assert_eq!(
        store.set(b"d", &value, at(11), limits),
        Err(NotStored::Full)
    );
    assert_eq!(store.metrics.full.get(), 2);
    assert!(store.delete(b"e", 11));
    assert_eq!(store.set(b"d", &value, at(11), limits), Ok(()));
}

#[test]
fn additions_of_all_threads_count() {
    let store = store();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    store.add(b"count", 1, at(0), LIMITS).expect("a number");
                }
            });
        }
    });
    assert_eq!(store.add(b"count", 0, at(0), LIMITS), Ok(40_000));
}

#[test]
fn a_store_lives_as_long_as_a_filter_of_its_name() {
    let (stores, budget) = (Stores::default(), Budget::unlimited());
    let first = stores.of("a", &budget);
    first.set(b"k", b"v", at(0), LIMITS).expect("room");
    let second = stores.of("a", &budget);
    assert!(stores.of("b", &budget).get(b"k", 0).is_none());
    drop(first);
    assert_eq!(second.get(b"k", 0), Some(b"v".to_vec()));
    drop(second);
    assert_eq!(stores.of("a", &budget).get(b"k", 0), None);
}

#[test]
fn memory_is_given_back() {
    let store = store();
    let key = |number: u32| number.to_le_bytes();
    for number in 0..5000 {
        store
            .set(&key(number), &[0; 100], at(0), LIMITS)
            .expect("room");
    }
    let most = store.memory().bytes();
    assert!(most >= 1 << 20, "{most}");
    for number in 0..5000 {
        store.delete(&key(number), 0);
    }
    assert!(store.memory().bytes() <= SLACK);
}
