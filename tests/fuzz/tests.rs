//! The seeds, and seeds that were damaged the same way in every run, through the checks; and that the fuzzer has them all.
//! Must not take longer than a moment: a fuzzer is for the long run.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::TARGETS;

/// How often each seed is damaged.
const DAMAGED: usize = 150;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 2, "{target} has too few seeds");
    seeds
}

/// Random numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 1).unwrap() % sides.max(1)
    }

    /// A few edits, as a fuzzer makes them: parts cut out, doubled, put elsewhere, bytes changed.
    fn damage(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.roll(4) {
            let from = self.roll(bytes.len() + 1);
            let to = (from + 1 + self.roll(12)).min(bytes.len());
            let part = bytes.get(from..to).unwrap_or_default().to_vec();
            match self.roll(4) {
                0 => drop(bytes.splice(from..to.max(from), [])),
                1 => drop(bytes.splice(from..from, part.repeat(1 + self.roll(5)))),
                2 => {
                    let at = self.roll(bytes.len() + 1);
                    drop(bytes.splice(at..at, part));
                }
                _ => bytes.iter_mut().skip(from).take(1).for_each(|byte| *byte = self.roll(256).try_into().unwrap()),
            }
        }
        bytes
    }
}

#[test]
fn every_seed_and_what_becomes_of_it_passes_its_check() {
    for (target, check) in TARGETS {
        for (name, seed) in seeds(target) {
            println!("{target}/{name}");
            check(&seed);
            let mut dice = Dice(u64::try_from(seed.len()).unwrap());
            for _ in 0..DAMAGED {
                let damaged = dice.damage(&seed);
                // Seen only when the check fails, so that it can become a seed.
                println!("{:?}", String::from_utf8_lossy(&damaged));
                check(&damaged);
            }
        }
    }
}

#[test]
fn the_seeds_are_good_ones() {
    // A seed that is refused at its first byte leads a fuzzer nowhere: each target has one that is taken.
    let name = |name: &str| rekindle_core::document::DocumentName::parse(name).unwrap();
    for (target, document) in
        [("yaml", "a.yaml"), ("json", "a.json"), ("toml", "a.toml"), ("env", ".env"), ("properties", "a.properties")]
    {
        let dialect = rekindle_core::format::Dialect::Yaml12;
        let taken = |(_, seed): &(String, Vec<u8>)| {
            rekindle_core::format::parse(&name(document), seed, dialect).is_ok_and(|value| value.is_some())
        };
        assert!(seeds(target).iter().any(taken), "{target}");
    }
    let whole = |(_, seed): &(String, Vec<u8>)| rekindle_core::version::stored::decode(seed).is_ok();
    assert!(seeds("stored").iter().filter(|seed| whole(seed)).count() >= 2);
    let limits = rekindle_core::contract::body::Limits::default();
    assert!(seeds("push").iter().any(|(_, seed)| rekindle_core::contract::body::Body::decode(seed, limits).is_ok()));
}

#[test]
fn the_fuzzer_has_a_target_for_each_check() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let wanted: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in &wanted {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
        let program = fs::read_to_string(root().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("rekindle_fuzzing::{name}(")), "fuzz_targets/{name}.rs calls another check");
    }
    for folder in ["fuzz_targets", "seeds"] {
        let found: BTreeSet<String> = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(found, wanted, "fuzz/{folder}");
    }
}
