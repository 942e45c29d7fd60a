//! Which paths a change touches: a walk over the old tree and the new one side by side.
//! Must not know how a tree is held; parts that both share need no walk if the tree can tell.

use crate::tree::Tree;
use crate::value::{Path, Segment, Value};

/// A part of a tree: what the walk needs to know of it.
pub trait Part {
    /// What lies below.
    fn shape(&self) -> Shape<'_, Self>;

    /// Whether both are the same value. May answer without looking when both are the same memory; a map or a list may
    /// answer no although they are equal, which costs a walk and changes nothing.
    fn same(&self, other: &Self) -> bool;
}

/// What lies below a part.
pub enum Shape<'tree, P: ?Sized> {
    /// Nothing.
    Leaf,
    /// A list of these.
    List(Vec<&'tree P>),
    /// A map of these, sorted by key.
    Map(Vec<(&'tree str, &'tree P)>),
}

impl Part for Value {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Array(items) => Shape::List(items.iter().collect()),
            Self::Object(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
                // Whether the map sorts its keys depends on a feature that any crate can switch on.
                entries.sort_unstable_by_key(|(key, _)| *key);
                Shape::Map(entries)
            }
            _ => Shape::Leaf,
        }
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
            Self::List(items) => Shape::List(items.iter().collect()),
            Self::Map(entries) => Shape::Map(entries.iter().map(|(key, part)| (key.as_ref(), part)).collect()),
            _ => Shape::Leaf,
        }
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
            (Shape::Map(old), Shape::Map(new)) => self.maps(&old, &new),
            (Shape::List(old), Shape::List(new)) => {
                for index in 0..old.len().max(new.len()) {
                    self.step(Segment::Index(index), old.get(index).copied(), new.get(index).copied());
                }
            }
            _ => self.replaced(old, new),
        }
    }

    /// Both are sorted by key, and walked in step.
    fn maps<P: Part>(&mut self, old: &[(&str, &P)], new: &[(&str, &P)]) {
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (Some((old, _)), Some((new, _))) => old.cmp(new),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return,
            };
            let before = if order.is_le() { old.next() } else { None };
            let after = if order.is_ge() { new.next() } else { None };
            if let Some((key, _)) = before.or(after) {
                let (before, after) = (before.map(|(_, part)| *part), after.map(|(_, part)| *part));
                if matches!((before, after), (Some(before), Some(after)) if before.same(after)) {
                    continue;
                }
                self.step(Segment::Key((*key).to_owned()), before, after);
            }
        }
    }

    fn step<P: Part>(&mut self, step: Segment, old: Option<&P>, new: Option<&P>) {
        match (old, new) {
            (Some(old), Some(new)) => {
                self.way.push(step);
                self.compare(old, new);
                self.way.pop();
            }
            (old, new) => old.or(new).into_iter().for_each(|part| self.all(step.clone(), part)),
        }
    }

    /// The value here is another, so everything below it is as well, on either side. If both sides have something
    /// below, one is a map and the other a list: no step leads into both, and keys sort before indices.
    fn replaced<P: Part>(&mut self, old: &P, new: &P) {
        self.note();
        let maps_first = if matches!(old.shape(), Shape::Map(_)) { [old, new] } else { [new, old] };
        maps_first.into_iter().for_each(|part| self.all_below(part));
    }

    fn all_below<P: Part>(&mut self, part: &P) {
        match part.shape() {
            Shape::Leaf => {}
            Shape::List(items) => {
                let steps = (0..).map(Segment::Index);
                steps.zip(items).for_each(|(step, part)| self.all(step, part));
            }
            Shape::Map(entries) => {
                entries.into_iter().for_each(|(key, part)| self.all(Segment::Key(key.to_owned()), part));
            }
        }
    }

    fn all<P: Part>(&mut self, step: Segment, part: &P) {
        self.way.push(step);
        self.note();
        self.all_below(part);
        self.way.pop();
    }
}
