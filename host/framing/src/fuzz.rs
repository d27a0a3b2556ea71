//! Fuzz targets: compare the framer, for any stream and any reads, with a reference that sees the
//! whole stream.
//!
//! In: an input. Out: nothing; a target panics when a property does not hold. The package in
//! `tests/fuzz` runs the targets with coverage feedback. The tests below run them on its corpus.

pub mod auto;
pub mod framing;
pub mod octet;

#[cfg(test)]
mod tests {
    use linemill_fuzz_inputs::holds;

    #[test]
    fn auto() {
        holds("auto", super::auto::run, 20_000);
    }

    #[test]
    fn framing() {
        holds("framing", super::framing::run, 20_000);
    }

    #[test]
    fn octet() {
        holds("octet", super::octet::run, 20_000);
    }
}
