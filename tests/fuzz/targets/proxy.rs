#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| linemill::fuzz::proxy::run(input));
