//! The comparison that knows a schema's guide: as [`super::values`], and items of lists that moved are told as moved.
//! Must not show values itself; the formats beside it do, and only through a redaction.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::lists::{Alignment, Step as ListStep};
use super::{Change, Guide, Step, Trail, leaf_change, leaves};
use crate::value::{Path, Value};

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Only the new side has it.
    Added,
    /// Only the old side has it.
    Removed,
    /// Both have a value of one type, and it is not the same.
    Changed,
    /// Both have a value, of different types.
    TypeChanged,
    /// The item of a list is the same by its identity and stands elsewhere among the others.
    Moved,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::TypeChanged => "type changed",
            Self::Moved => "moved",
        }
    }

    /// The sign before it in a list of differences.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed | Self::TypeChanged => '~',
            Self::Moved => '>',
        }
    }
}

/// One difference.
#[derive(Clone, PartialEq)]
pub struct Difference<'value> {
    /// What happened.
    pub kind: Kind,
    /// Where the value stood; none for one that was added.
    pub old_path: Option<Path>,
    /// Where it stands; none for one that was removed.
    pub new_path: Option<Path>,
    /// What it was. Not for the eye: a secret may be in it.
    pub old: Option<&'value Value>,
    /// What it is. Not for the eye: a secret may be in it.
    pub new: Option<&'value Value>,
    /// Where it is changed when the differences before it in a patch were applied.
    pub(super) at: Path,
    /// Where an item that moves is taken from, at that time.
    pub(super) taken_from: Option<Path>,
}

impl Difference<'_> {
    /// Where it is shown: where the value stands, or stood.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.new_path.as_ref().or(self.old_path.as_ref()).unwrap_or(&self.at)
    }
}

/// Kind and places, never a value.
impl fmt::Debug for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.old_path, &self.new_path) {
            (Some(old), Some(new)) if old != new => write!(f, "{} {old} -> {new}", self.kind.as_str()),
            _ => write!(f, "{} {}", self.kind.as_str(), self.path()),
        }
    }
}

/// How much differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Statistics {
    /// Differences of the kind [`Kind::Added`]; a map that is new counts once, whatever is in it.
    pub added: usize,
    /// Differences of the kind [`Kind::Removed`].
    pub removed: usize,
    /// Differences of the kind [`Kind::Changed`].
    pub changed: usize,
    /// Differences of the kind [`Kind::TypeChanged`].
    pub type_changed: usize,
    /// Differences of the kind [`Kind::Moved`].
    pub moved: usize,
    /// How many scalars, empty maps and empty lists the old side has.
    pub old_values: usize,
    /// How many the new side has.
    pub new_values: usize,
    /// How many of them both sides have, at the same place or in the same item of a list.
    pub unchanged: usize,
}

impl Statistics {
    /// How many differences there are together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.added + self.removed + self.changed + self.type_changed + self.moved
    }
}

/// `+1 -0 ~2 >0`: added, removed, changed (with or without its type), moved.
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, changed, type_changed, moved, .. } = self;
        write!(f, "+{added} -{removed} ~{} >{moved}", changed + type_changed)
    }
}

/// Two values and all that differs between them.
///
/// Maps are compared by key. Lists are compared by index, unless the guide names keys that identify their items and
/// each item of both lists has its own; then items are compared with themselves, wherever they stand. Of the items
/// that both lists have, as few as possible count as moved. Lists of more than
/// [`MAX_IDENTIFIED`](super::MAX_IDENTIFIED) items are always compared by index.
///
/// # Assumptions
/// As for [`super::values`]: the values were read from text, which bounds how deep they are nested.
///
/// ```
/// use rekindle_core::diff::{Comparison, Guide, Kind};
/// use serde_json::json;
///
/// let guide = Guide::default().key("hosts", Guide::default().identified_by(["name"]));
/// let old = json!({"hosts": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]});
/// let new = json!({"hosts": [{"name": "b", "port": 3}, {"name": "a", "port": 1}]});
/// let comparison = Comparison::of(&old, &new, &guide);
/// let found: Vec<_> = comparison.sorted().iter().map(|it| (it.kind, it.path().to_string())).collect();
/// assert_eq!(found, [(Kind::Moved, "hosts[0]".to_owned()), (Kind::Changed, "hosts[0].port".to_owned())]);
/// ```
#[derive(Clone)]
pub struct Comparison<'value> {
    pub(super) old: &'value Value,
    pub(super) new: &'value Value,
    pub(super) guide: &'value Guide,
    /// In the order in which they can be applied.
    pub(super) differences: Vec<Difference<'value>>,
    unchanged: usize,
}

/// The differences, which show no value.
impl fmt::Debug for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.differences).finish()
    }
}

impl<'value> Comparison<'value> {
    /// Compares.
    #[must_use]
    pub fn of(old: &'value Value, new: &'value Value, guide: &'value Guide) -> Self {
        let mut comparison = Self { old, new, guide, differences: Vec::new(), unchanged: 0 };
        comparison.compare(old, new, &Place { old: Trail::ROOT, new: Trail::ROOT, guide: Some(guide) });
        comparison
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// The differences by place, as people read them.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Difference<'value>> {
        let mut sorted: Vec<_> = self.differences.iter().collect();
        sorted.sort_by(|one, other| (one.path(), one.kind).cmp(&(other.path(), other.kind)));
        sorted
    }

    /// How much differs.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let of = |kind| self.differences.iter().filter(|difference| difference.kind == kind).count();
        let count = |value| {
            let mut count = 0;
            leaves(value, &Trail::ROOT, &mut |_| count += 1);
            count
        };
        Statistics {
            added: of(Kind::Added),
            removed: of(Kind::Removed),
            changed: of(Kind::Changed),
            type_changed: of(Kind::TypeChanged),
            moved: of(Kind::Moved),
            old_values: count(self.old),
            new_values: count(self.new),
            unchanged: self.unchanged,
        }
    }

    fn compare(&mut self, old: &'value Value, new: &'value Value, place: &Place<'_>) {
        match (old, new) {
            (Value::Object(before), Value::Object(after)) if !(before.is_empty() && after.is_empty()) => {
                let keys: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
                for key in keys {
                    let place = place.step(Step::Key(key), Step::Key(key));
                    self.compare_at(before.get(key), after.get(key), &place);
                }
            }
            (Value::Array(before), Value::Array(after)) if !(before.is_empty() && after.is_empty()) => {
                let identity = place.guide.map_or(&[][..], Guide::identity);
                match Alignment::by(identity, before, after) {
                    Some(alignment) => self.compare_identified(before, after, &alignment, place),
                    None => self.compare_by_index(before, after, place),
                }
            }
            (old, new) => match leaf_change(old, new) {
                None => self.unchanged += 1,
                Some(Change::TypeChanged(..)) => self.both(Kind::TypeChanged, old, new, place),
                Some(_) => self.both(Kind::Changed, old, new, place),
            },
        }
    }

    fn compare_at(&mut self, old: Option<&'value Value>, new: Option<&'value Value>, place: &Place<'_>) {
        match (old, new) {
            (Some(old), Some(new)) => self.compare(old, new, place),
            (None, Some(new)) => self.added(new, place, place.new.path()),
            (Some(old), None) => self.removed(old, place),
            (None, None) => {}
        }
    }

    fn compare_by_index(&mut self, old: &'value [Value], new: &'value [Value], place: &Place<'_>) {
        // What is removed comes first and from the end, so that no index changes before it is used.
        for (index, value) in old.iter().enumerate().skip(new.len()).rev() {
            self.removed(value, &place.step(Step::Index(index), Step::Index(index)));
        }
        for (index, new) in new.iter().enumerate() {
            self.compare_at(old.get(index), Some(new), &place.step(Step::Index(index), Step::Index(index)));
        }
    }

    fn compare_identified(
        &mut self,
        old: &'value [Value],
        new: &'value [Value],
        alignment: &Alignment,
        place: &Place<'_>,
    ) {
        for index in alignment.removed.iter().rev() {
            if let Some(value) = old.get(*index) {
                self.removed(value, &place.step(Step::Index(*index), Step::Index(*index)));
            }
        }
        for step in alignment.steps(old.len()) {
            match step {
                ListStep::Insert(to, index) => {
                    let Some(value) = new.get(index) else { continue };
                    let here = place.step(Step::Index(index), Step::Index(index));
                    self.added(value, &here, place.new.path().index(to));
                }
                ListStep::Move(from, to, index) => self.moved(old, new, alignment, (from, to, index), place),
            }
        }
        for (index, origin) in alignment.origins.iter().enumerate() {
            let Some(origin) = *origin else { continue };
            let here = place.step(Step::Index(origin), Step::Index(index));
            self.compare_at(old.get(origin), new.get(index), &here);
        }
    }

    fn moved(
        &mut self,
        old: &'value [Value],
        new: &'value [Value],
        alignment: &Alignment,
        (from, to, index): (usize, usize, usize),
        place: &Place<'_>,
    ) {
        let Some(origin) = alignment.origins.get(index).copied().flatten() else { return };
        self.differences.push(Difference {
            kind: Kind::Moved,
            old_path: Some(place.old.path().index(origin)),
            new_path: Some(place.new.path().index(index)),
            old: old.get(origin),
            new: new.get(index),
            at: place.new.path().index(to),
            taken_from: Some(place.new.path().index(from)),
        });
    }

    fn added(&mut self, new: &'value Value, place: &Place<'_>, at: Path) {
        let new_path = Some(place.new.path());
        let kind = Kind::Added;
        self.differences.push(Difference {
            kind,
            old_path: None,
            new_path,
            old: None,
            new: Some(new),
            at,
            taken_from: None,
        });
    }

    fn removed(&mut self, old: &'value Value, place: &Place<'_>) {
        let (kind, at) = (Kind::Removed, place.new.path());
        let old_path = Some(place.old.path());
        self.differences.push(Difference {
            kind,
            old_path,
            new_path: None,
            old: Some(old),
            new: None,
            at,
            taken_from: None,
        });
    }

    fn both(&mut self, kind: Kind, old: &'value Value, new: &'value Value, place: &Place<'_>) {
        self.differences.push(Difference {
            kind,
            old_path: Some(place.old.path()),
            new_path: Some(place.new.path()),
            old: Some(old),
            new: Some(new),
            at: place.new.path(),
            taken_from: None,
        });
    }
}

/// Where a comparison stands: on the old side, on the new side, and in the guide.
struct Place<'up> {
    old: Trail<'up>,
    new: Trail<'up>,
    guide: Option<&'up Guide>,
}

impl Place<'_> {
    fn step<'down>(&'down self, old: Step<'down>, new: Step<'down>) -> Place<'down> {
        let guide = self.guide.and_then(|guide| match new {
            Step::Key(key) => guide.at_key(key),
            Step::Index(_) => guide.at_items(),
            Step::Start(_) => None,
        });
        Place { old: self.old.step(old), new: self.new.step(new), guide }
    }
}

#[cfg(test)]
mod tests;
