//! Fuzz targets of the host itself: the admin address.
//!
//! In: an input. Out: a panic if a property does not hold. The package in `tests/fuzz` runs the target
//! with coverage as feedback; the test below runs it on the corpus there.

pub mod admin;

#[cfg(test)]
#[test]
fn holds() {
    linemill_fuzz_inputs::holds("admin", admin::run, 3_000);
}
