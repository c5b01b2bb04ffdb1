#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bindguard_fuzz::review(input));
