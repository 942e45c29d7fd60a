//! How many cases property tests try, and which: the same in every run.
//! Must not hold strategies.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// So many cases; what fails is a row for a table of cases, not a file of seeds.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    // The same cases in every run, unless PROPTEST_RNG_SEED asks for others.
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        given => given,
    };
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..default }
}
