//! The store that filters under test share.
//!
//! In: calls of [`crate::store`]. Out: what a host would answer, with the limits of a host's default. Each
//! thread has a store of its own, in which time passes only when a test says so.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use crate::store::StoreError;

/// The longest key and value, in bytes.
const LONGEST: (usize, usize) = (256, 64 << 10);
/// The most keys, and the most bytes of all keys and values.
const MOST: (usize, usize) = (10_000, 1 << 20);
/// The time of a value that does not expire.
const NEVER: u64 = u64::MAX;

#[derive(Clone, Default)]
pub(crate) struct Store {
    now: u64,
    /// Values, and when they expire.
    values: HashMap<Vec<u8>, (Vec<u8>, u64)>,
}

thread_local! {
    static STORE: RefCell<Store> = RefCell::default();
}

/// Lets time pass in the store of this thread, so that values expire.
pub fn pass_time(time: Duration) {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    STORE.with_borrow_mut(|store| {
        store.now = store.now.saturating_add(nanoseconds);
        let now = store.now;
        store.values.retain(|_, (_, until)| *until > now);
    });
}

/// Empties the store of this thread.
pub(crate) fn clear() {
    STORE.with_borrow_mut(|store| store.values.clear());
}

/// A copy of the store of this thread.
pub(crate) fn copy() -> Store {
    STORE.with_borrow(Store::clone)
}

/// Sets the store of this thread back to what it was.
pub(crate) fn set_back(store: Store) {
    STORE.set(store);
}

#[track_caller]
pub(crate) fn get(key: &[u8]) -> Option<Vec<u8>> {
    check(key, &[]);
    STORE.with_borrow(|store| store.values.get(key).map(|(value, _)| value.clone()))
}

#[track_caller]
pub(crate) fn set(key: &[u8], value: &[u8], expiry: Option<u64>) -> Result<(), StoreError> {
    check(key, value);
    STORE.with_borrow_mut(|store| {
        let until = store.until(expiry);
        store.write(key, value, until)
    })
}

#[track_caller]
pub(crate) fn compare_and_set(
    key: &[u8],
    expected: Option<&[u8]>,
    value: &[u8],
    expiry: Option<u64>,
) -> Result<bool, StoreError> {
    check(key, value);
    STORE.with_borrow_mut(|store| {
        let present = store.values.get(key).map(|(value, _)| value.as_slice());
        if present != expected {
            return Ok(false);
        }
        let until = store.until(expiry);
        store.write(key, value, until).map(|()| true)
    })
}

#[track_caller]
pub(crate) fn add(key: &[u8], amount: i64, expiry: Option<u64>) -> Result<i64, StoreError> {
    check(key, &[]);
    STORE.with_borrow_mut(|store| {
        let (number, until) = match store.values.get(key) {
            None => (0, store.until(expiry)),
            Some((value, until)) => {
                let bytes = value.as_slice().try_into();
                let bytes = bytes.map_err(|_| StoreError::NotANumber)?;
                (i64::from_le_bytes(bytes), *until)
            }
        };
        let sum = number.checked_add(amount).ok_or(StoreError::NotANumber)?;
        store.write(key, &sum.to_le_bytes(), until)?;
        Ok(sum)
    })
}

#[track_caller]
pub(crate) fn delete(key: &[u8]) -> bool {
    check(key, &[]);
    STORE.with_borrow_mut(|store| store.values.remove(key).is_some())
}

/// Panics where a component would trap.
#[track_caller]
fn check(key: &[u8], value: &[u8]) {
    let (longest_key, longest_value) = LONGEST;
    assert!(
        (1..=longest_key).contains(&key.len()),
        "a key of the store has {} bytes, not 1 to {longest_key}",
        key.len()
    );
    assert!(
        value.len() <= longest_value,
        "a value for the store has {} bytes, more than {longest_value}",
        value.len()
    );
}

impl Store {
    fn until(&self, expiry: Option<u64>) -> u64 {
        expiry.map_or(NEVER, |expiry| self.now.saturating_add(expiry))
    }

    fn write(&mut self, key: &[u8], value: &[u8], until: u64) -> Result<(), StoreError> {
        let (most_keys, most_bytes) = MOST;
        let others = self.values.iter().filter(|(other, _)| *other != key);
        let (keys, bytes) = others.fold((0, 0), |(keys, bytes), (key, (value, _))| {
            (keys + 1, bytes + key.len() + value.len())
        });
        if keys + 1 > most_keys || bytes + key.len() + value.len() > most_bytes {
            return Err(StoreError::Full);
        }
        self.values.insert(key.to_vec(), (value.to_vec(), until));
        Ok(())
    }
}
