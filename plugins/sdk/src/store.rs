//! The store of a filter: values by key, which all its instances share.
//!
//! A filter that calls these functions imports `store` of the WIT package, so its configuration must have
//! `grant = ["store"]`. Entries are shared by all connections and survive a change of the filter's version
//! or settings. Each function is atomic, but a sequence of calls is not: use [`add`] or
//! [`compare_and_set`] where another instance may come in between.
//!
//! A key has 1 to 256 bytes and a value at most 65,536 bytes; anything else is a trap. In tests, each run
//! of [`testing`](crate::testing) begins with an empty store, and time passes only by
//! [`testing::pass_time`](crate::testing::pass_time).
//!
//! ```
//! use std::time::Duration;
//! use linemill_sdk::testing::{self, json};
//! use linemill_sdk::{Output, filter_fn, store};
//!
//! // At most two lines a second for each word, over all connections.
//! filter_fn!(Throttle = throttle);
//!
//! fn throttle(line: &[u8], out: &mut Output) {
//!     match store::add(line, 1, Some(Duration::from_secs(1))) {
//!         Ok(1..=2) => out.emit(line),
//!         Ok(_) => {}
//!         Err(error) => out.fail(format!("cannot count: {error}")),
//!     }
//! }
//!
//! assert_eq!(testing::lines::<Throttle>(json!({}), ["a", "a", "b", "a"]), ["a", "a", "b"]);
//! ```

use std::fmt;
use std::time::Duration;

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The store holds as many keys or bytes as the configuration allows.
    Full,
    /// The value is not a number, or the sum is out of range.
    NotANumber,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the store is full",
            Self::NotANumber => "the value is not a number, or the sum is out of range",
        })
    }
}

impl std::error::Error for StoreError {}

/// The value under a key.
pub fn get(key: &[u8]) -> Option<Vec<u8>> {
    source::get(key)
}

/// Writes a value, which expires after a time if one is given.
///
/// # Errors
/// The store is full.
pub fn set(key: &[u8], value: &[u8], expiry: Option<Duration>) -> Result<(), StoreError> {
    source::set(key, value, expiry.map(nanoseconds))
}

/// Writes a value if the present one is `expected`; `None` means that there is none. Returns whether it was
/// written.
///
/// # Errors
/// The store is full.
pub fn compare_and_set(
    key: &[u8],
    expected: Option<&[u8]>,
    value: &[u8],
    expiry: Option<Duration>,
) -> Result<bool, StoreError> {
    source::compare_and_set(key, expected, value, expiry.map(nanoseconds))
}

/// Adds to a number, and returns the sum. Without a value the number is 0, and `expiry` counts from now;
/// otherwise the value keeps its expiry.
///
/// # Errors
/// The store is full, or the value is not a number that can be added to.
pub fn add(key: &[u8], amount: i64, expiry: Option<Duration>) -> Result<i64, StoreError> {
    source::add(key, amount, expiry.map(nanoseconds))
}

/// Removes a value. Returns whether there was one.
pub fn delete(key: &[u8]) -> bool {
    source::delete(key)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(target_family = "wasm")]
mod source {
    use super::StoreError;
    use crate::component::import_bindings::linemill::filter::store as host;

    pub(super) use host::{delete, get};

    pub(super) fn set(key: &[u8], value: &[u8], expiry: Option<u64>) -> Result<(), StoreError> {
        host::set(key, value, expiry).map_err(error)
    }

    pub(super) fn compare_and_set(
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        expiry: Option<u64>,
    ) -> Result<bool, StoreError> {
        host::compare_and_set(key, expected, value, expiry).map_err(error)
    }

    pub(super) fn add(key: &[u8], amount: i64, expiry: Option<u64>) -> Result<i64, StoreError> {
        host::add(key, amount, expiry).map_err(error)
    }

    fn error(error: host::Error) -> StoreError {
        match error {
            host::Error::Full => StoreError::Full,
            host::Error::NotANumber => StoreError::NotANumber,
        }
    }
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::store as source;
