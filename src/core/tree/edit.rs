//! Changes of single keys in a tree: only the maps and lists on the way to a key are copied.
//! Must not decide which keys may be changed.

use std::sync::Arc;

use super::Tree;
use crate::value::{Path, Segment, Value};

/// Why a key cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The root is a map and stays one.
    #[error("set the whole tree: it must be a map, not {found}")]
    Root {
        /// The type that was given.
        found: &'static str,
    },
    /// The way to the key leads through something that holds no keys.
    #[error("set `{path}`: `{through}` is of the type {found} and holds no {wanted}")]
    Through {
        /// What was to be set.
        path: Path,
        /// Where the way ends.
        through: Path,
        /// What is there.
        found: &'static str,
        /// What should be: `keys` or `items`.
        wanted: &'static str,
    },
    /// A list can only grow at its end, item by item.
    #[error("set `{path}`: the list `{list}` has {length} items")]
    BeyondEnd {
        /// What was to be set.
        path: Path,
        /// The list.
        list: Path,
        /// How many items it has.
        length: usize,
    },
}

impl Tree {
    /// Sets the value at a path. Maps that are missing on the way are made; an index may be the one after the last.
    ///
    /// # Errors
    /// [`EditError`]; the tree is as it was.
    pub fn set(&mut self, path: &Path, value: &Value) -> Result<(), EditError> {
        if path.is_root() && !value.is_object() {
            return Err(EditError::Root { found: crate::value::type_name(value) });
        }
        self.check_way(path)?;
        if let Some(place) = self.place(path.segments()) {
            *place = place.grown_to(value);
        }
        Ok(())
    }

    /// Takes out the value at a path; says whether there was one. The root becomes an empty map.
    pub fn remove(&mut self, path: &Path) -> bool {
        if self.find(path).is_none() {
            return false;
        }
        let Some((last, way)) = path.segments().split_last() else {
            let had = *self != Self::default();
            *self = Self::default();
            return had;
        };
        match (self.place(way), last) {
            (Some(Self::Map(entries)), Segment::Key(key)) => Arc::make_mut(entries).remove(key.as_str()).is_some(),
            (Some(Self::List(items)), Segment::Index(index)) => {
                Arc::make_mut(items).remove(*index);
                true
            }
            _ => false,
        }
    }

    /// Everything that can be wrong is found before anything is copied.
    fn check_way(&self, path: &Path) -> Result<(), EditError> {
        let mut part = self;
        let mut way = Path::root();
        for segment in path.segments() {
            let through = |wanted| EditError::Through {
                path: path.clone(),
                through: way.clone(),
                found: part.type_name(),
                wanted,
            };
            let next = match (part, segment) {
                (Self::Map(entries), Segment::Key(key)) => entries.get(key.as_str()),
                (Self::List(items), Segment::Index(index)) if *index <= items.len() => items.get(*index),
                (Self::List(items), Segment::Index(_)) => {
                    return Err(EditError::BeyondEnd { path: path.clone(), list: way, length: items.len() });
                }
                (_, Segment::Key(_)) => return Err(through("keys")),
                (_, Segment::Index(_)) => return Err(through("items")),
            };
            way = match segment {
                Segment::Key(key) => way.key(key.clone()),
                Segment::Index(index) => way.index(*index),
            };
            // What is made anew is a map, or the value itself.
            part = next.unwrap_or(const { &Self::Null });
            if next.is_none() {
                return match path.segments().get(way.segments().len()..) {
                    Some(rest) if rest.iter().any(|segment| matches!(segment, Segment::Index(_))) => {
                        Err(EditError::BeyondEnd { path: path.clone(), list: way, length: 0 })
                    }
                    _ => Ok(()),
                };
            }
        }
        Ok(())
    }

    /// The place itself, its way copied where it is shared; none where [`Self::check_way`] would have refused.
    fn place(&mut self, way: &[Segment]) -> Option<&mut Self> {
        let mut part = self;
        for segment in way {
            part = match (part, segment) {
                (Self::Map(entries), Segment::Key(key)) => {
                    Arc::make_mut(entries).entry(key.as_str().into()).or_default()
                }
                (Self::List(items), Segment::Index(index)) => {
                    let items = Arc::make_mut(items);
                    if *index == items.len() {
                        items.push(Self::default());
                    }
                    items.get_mut(*index)?
                }
                _ => return None,
            };
        }
        Some(part)
    }
}
