//! Feeds what the fuzzer invents to the check `stored`.
//! Must not check anything itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekindle_fuzzing::stored(bytes));
