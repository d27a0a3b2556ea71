//! Fuzz targets: any stream, cut into reads anywhere, against a reference that sees it whole.
//!
//! In: an input. Out: nothing; a target panics when a property does not hold. The package in
//! `tests/fuzz` runs them with coverage as feedback; the tests below run them on the corpus there.

pub mod framing;
pub mod octet;

#[cfg(test)]
mod tests {
    use linemill_fuzz_inputs::holds;

    #[test]
    fn framing() {
        holds("framing", super::framing::run, 20_000);
    }

    #[test]
    fn octet() {
        holds("octet", super::octet::run, 20_000);
    }
}
