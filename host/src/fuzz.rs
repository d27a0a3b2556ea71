//! Fuzz targets of the host itself: the admin address, and PROXY protocol headers.
//!
//! In: an input. Out: a panic if a property does not hold. The package in `tests/fuzz` runs the targets
//! with coverage as feedback; the tests below run them on the corpora there.

pub mod admin;
#[cfg(unix)]
pub mod proxy;

#[cfg(test)]
mod tests {
    #[test]
    fn admin() {
        linemill_fuzz_inputs::holds("admin", super::admin::run, 3_000);
    }

    #[test]
    #[cfg(unix)]
    fn proxy() {
        linemill_fuzz_inputs::holds("proxy", super::proxy::run, 10_000);
    }
}
