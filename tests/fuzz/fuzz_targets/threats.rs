//! Feeds `a2a_fuzz::threats` whatever leads somewhere new.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| a2a_fuzz::threats(data));
