#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| linemill_framing::fuzz::auto::run(input));
