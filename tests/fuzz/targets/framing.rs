#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| linemill::fuzz::framing::run(input));
