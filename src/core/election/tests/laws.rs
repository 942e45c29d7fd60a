//! What holds in every world: never two in office, epochs that only rise, and somebody in office once all is well.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::Timing;
use super::world::{Faults, World};

fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        fixed => fixed,
    };
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..default }
}

/// As close to each other as they may be, and the usual.
fn timings() -> impl Strategy<Value = Timing> {
    let timing = |lease, renew, retry| {
        let millis = Duration::from_millis;
        Timing::new(millis(lease), millis(renew), millis(retry)).unwrap()
    };
    prop_oneof![Just(timing(2_000, 1_800, 600)), Just(timing(15_000, 10_000, 2_000)), Just(timing(3_000, 2_000, 250))]
}

fn faults() -> impl Strategy<Value = Faults> {
    (0_u64..60, 0_u64..20_000, 0_u64..5, 0_u64..3).prop_map(|(lost, delay, releases, crashes)| Faults {
        lost,
        delay,
        releases,
        crashes,
        deletions: 0,
    })
}

/// Whatever happened, within this time somebody leads: a lease runs out, once more if its last holder just got it.
fn recovers(world: &mut World, timing: Timing) {
    world.faults = Faults::NONE;
    // What is still on its way comes first.
    world.pass(Duration::from_secs(20));
    world.pass(timing.lease() * 3 + Duration::from_secs(2));
    assert_eq!(world.leaders().len(), 1, "nobody leads");
    let terms = world.terms();
    world.pass(timing.lease() * 10);
    assert_eq!((world.leaders().len(), world.terms()), (1, terms), "it is not quiet");
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn at_most_one_is_in_office_and_epochs_rise(
        seed in any::<u64>(),
        candidates in 2_usize..4,
        timing in timings(),
        faults in faults(),
    ) {
        let mut world = World::new(seed, candidates, timing, faults);
        world.pass(Duration::from_secs(300));
        recovers(&mut world, timing);
    }

    #[test]
    fn a_lease_that_is_deleted_over_and_over_changes_nothing_of_that(
        seed in any::<u64>(),
        timing in timings(),
        faults in faults(),
    ) {
        // A process that starts cannot know of a Lease that was deleted before.
        let faults = Faults { crashes: 0, deletions: 20, ..faults };
        let mut world = World::new(seed, 2, timing, faults);
        world.pass(Duration::from_secs(300));
        recovers(&mut world, timing);
    }
}

#[test]
fn in_a_quiet_world_the_first_leader_stays() {
    let timing = Timing::new(Duration::from_secs(15), Duration::from_secs(10), Duration::from_secs(2)).unwrap();
    let mut world = World::new(7, 3, timing, Faults::NONE);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.leaders().len(), 1);
    world.pass(Duration::from_secs(600));
    assert_eq!((world.leaders().len(), world.terms()), (1, 1));
}
