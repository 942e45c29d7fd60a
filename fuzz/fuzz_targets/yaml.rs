//! Feeds what the fuzzer invents to the check `yaml`.
//! Must not check anything itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekindle_fuzzing::yaml(bytes));
