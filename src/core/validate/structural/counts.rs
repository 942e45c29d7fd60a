//! Bounds on how many characters, items or keys there are.
//! Must not know what they are.

use super::super::finder::{Finder, Trail};
use super::super::schema::Counts;
use crate::finding::{Finding, Rule};

/// What is counted: its name, and the rules for too few and too many.
pub(super) type Counted = (&'static str, &'static str, Rule, Rule);

pub(super) const CHARACTERS: Counted = ("character", "characters", Rule::MinLength, Rule::MaxLength);
pub(super) const ITEMS: Counted = ("item", "items", Rule::MinItems, Rule::MaxItems);
pub(super) const KEYS: Counted = ("key", "keys", Rule::MinProperties, Rule::MaxProperties);

pub(super) fn check(counts: Counts, count: usize, counted: Counted, trail: &Trail<'_>, finder: &mut Finder) {
    let (one, many, too_few, too_many) = counted;
    let count = count as u64;
    let word = |limit: u64| if limit == 1 { one } else { many };
    if let Some(min) = counts.min.filter(|min| count < *min) {
        finder.add(Finding::error(too_few, format!("must have at least {min} {}", word(min))), trail);
    }
    if let Some(max) = counts.max.filter(|max| count > *max) {
        finder.add(Finding::error(too_many, format!("must have at most {max} {}", word(max))), trail);
    }
}
