//! Marks what may panic without ending the process.
//!
//! In: a piece of work that belongs to one connection or one call. Out: its result, or the panic that ended
//! it. A panic is a bug of the host. Outside of such work, nobody knows what it has left half done, and the
//! host must end; its panic hook asks [`is_contained`].

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many pieces of such work the thread is in, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Does `work`, whose panic ends nothing else. What it has borrowed must not be used after a panic, except
/// to be dropped.
///
/// # Errors
/// What it panicked with.
#[inline]
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done
}

/// Whether a panic of this thread would be caught by [`contained`].
pub fn is_contained() -> bool {
    DEPTH.get() > 0
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_inside_is_contained() {
        assert!(!is_contained());
        let inside = contained(|| {
            let inner = contained(|| panic!("a {}", "bug"));
            let message = inner.map_err(|panic| panic_message(&*panic).to_owned());
            (message, is_contained())
        });
        let (message, still) = inside.expect("the inner one was caught");
        assert_eq!((message, still), (Err("a bug".to_owned()), true));
        assert!(!is_contained());
    }
}
