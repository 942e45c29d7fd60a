//! Feeds what the fuzzer invents to the check `pattern`.
//! Must not check anything itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekindle_fuzzing::pattern(bytes));
