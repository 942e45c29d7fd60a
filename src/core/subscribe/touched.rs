//! Which paths a change touches: a walk over the old tree and the new one side by side.
//! Must not know how a tree is held; parts that both share need no walk if the tree can tell.

use std::cmp::Ordering;

use crate::tree::Tree;
use crate::value::{Path, Segment, Value};

/// A part of a tree: what the walk needs to know of it.
pub trait Part {
    /// What lies below.
    fn shape(&self) -> Shape<'_, Self>
    where
        Self: Sized;

    /// What lies below a map, sorted by key; of anything else nothing is asked.
    fn entries(&self) -> impl Iterator<Item = (&str, &Self)>;

    /// Whether both are the same value. May answer without looking when both are the same memory; a map or a list may
    /// answer no although they are equal, which costs a walk and changes nothing.
    fn same(&self, other: &Self) -> bool;
}

/// What lies below a part.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'tree, P> {
    /// Nothing.
    Leaf,
    /// A list of these.
    List(&'tree [P]),
    /// A map.
    Map,
}

impl Part for Value {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Array(items) => Shape::List(items),
            Self::Object(_) => Shape::Map,
            _ => Shape::Leaf,
        }
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let map = self.as_object();
        let mut entries: Vec<_> = map.into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
        // Whether the map sorts its keys depends on a feature that any crate can switch on.
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter()
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(_) | Self::Object(_), _) => std::ptr::eq(self, other),
            (old, new) => old == new,
        }
    }
}

impl Part for Tree {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::List(items) => Shape::List(items),
            Self::Map(_) => Shape::Map,
            _ => Shape::Leaf,
        }
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let map = if let Self::Map(entries) = self { Some(entries.iter()) } else { None };
        map.into_iter().flatten().map(|(key, part)| (key.as_ref(), part))
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            // Texts are compared whole: they may be equal without being shared.
            (Self::Text(old), Self::Text(new)) => old == new,
            (old, new) => old.is(new),
        }
    }
}

/// The paths that differ between two trees, sorted; see [`crate::subscribe`] for which these are.
///
/// It depends on the two ends only: whatever happened between them and was undone is no change, so this is also the
/// net change of many.
///
/// # Assumptions
/// The trees were read from text, which bounds how deep they are nested: the walk recurses.
#[must_use]
pub fn touched<P: Part>(old: &P, new: &P) -> Vec<Path> {
    let mut walk = Walk::default();
    walk.compare(old, new);
    walk.found
}

#[derive(Default)]
struct Walk {
    way: Vec<Segment>,
    found: Vec<Path>,
}

impl Walk {
    fn note(&mut self) {
        self.found.push(self.way.iter().cloned().collect());
    }

    fn compare<P: Part>(&mut self, old: &P, new: &P) {
        if old.same(new) {
            return;
        }
        match (old.shape(), new.shape()) {
            (Shape::Map, Shape::Map) => self.maps(old, new),
            (Shape::List(old), Shape::List(new)) => {
                for index in 0..old.len().max(new.len()) {
                    self.step(|| Segment::Index(index), old.get(index), new.get(index));
                }
            }
            _ => self.replaced(old, new),
        }
    }

    /// Both are sorted by key, and walked in step.
    fn maps<P: Part>(&mut self, old: &P, new: &P) {
        let (mut old, mut new) = (old.entries(), new.entries());
        let (mut before, mut after) = (old.next(), new.next());
        loop {
            let order = match (before, after) {
                (Some((old, _)), Some((new, _))) => old.cmp(new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            let one = before.filter(|_| order.is_le());
            let other = after.filter(|_| order.is_ge());
            if let Some((key, _)) = one.or(other) {
                let key = || Segment::Key(key.to_owned());
                self.step(key, one.map(|(_, part)| part), other.map(|(_, part)| part));
            }
            if one.is_some() {
                before = old.next();
            }
            if other.is_some() {
                after = new.next();
            }
        }
    }

    /// The name of the step is made only where something differs.
    fn step<P: Part>(&mut self, step: impl Fn() -> Segment, old: Option<&P>, new: Option<&P>) {
        match (old, new) {
            (Some(old), Some(new)) if old.same(new) => {}
            (Some(old), Some(new)) => {
                self.way.push(step());
                self.compare(old, new);
                self.way.pop();
            }
            (old, new) => old.or(new).into_iter().for_each(|part| self.all(step(), part)),
        }
    }

    /// The value here is another, so everything below it is as well, on either side. If both sides have something
    /// below, one is a map and the other a list: no step leads into both, and keys sort before indices.
    fn replaced<P: Part>(&mut self, old: &P, new: &P) {
        self.note();
        let maps_first = if matches!(old.shape(), Shape::Map) { [old, new] } else { [new, old] };
        maps_first.into_iter().for_each(|part| self.all_below(part));
    }

    fn all_below<P: Part>(&mut self, part: &P) {
        match part.shape() {
            Shape::Leaf => {}
            Shape::List(items) => {
                let steps = (0..).map(Segment::Index);
                steps.zip(items).for_each(|(step, part)| self.all(step, part));
            }
            Shape::Map => part.entries().for_each(|(key, part)| self.all(Segment::Key(key.to_owned()), part)),
        }
    }

    fn all<P: Part>(&mut self, step: Segment, part: &P) {
        self.way.push(step);
        self.note();
        self.all_below(part);
        self.way.pop();
    }
}
