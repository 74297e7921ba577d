//! Feeds `a2a_fuzz::rest` whatever leads somewhere new.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| a2a_fuzz::rest(data));
