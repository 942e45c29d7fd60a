//! The configuration that runs, as one snapshot that readers get without a lock and writers replace in one step.
//! Must not know where configuration comes from, nor whether it is valid.
//!
//! # Guarantees
//! A reader sees one version whole: tree, number and digest belong together, and stay as they are while it holds
//! them. Numbers only rise. An update of many keys is seen whole or not at all, and none is lost: writers that meet
//! take turns by trying again. What an update does not touch is shared with the version before.
//!
//! # Assumptions
//! A snapshot that is held for long keeps its parts in memory, so readers take a new one per piece of work.
//!
//! ```
//! use rekindle_client::store::Store;
//! use serde_json::json;
//!
//! let store = Store::of_tree(&json!({"pool": {"size": 5, "idle": 1}}));
//! let before = store.load();
//! store.update(|edit| {
//!     edit.set("pool.size", &json!(20))?;
//!     edit.set("pool.idle", &json!(4))
//! })?;
//! assert_eq!(store.load().get::<u32>("pool.size")?, 20);
//! assert_eq!(before.get::<u32>("pool.size")?, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::VersionNumber;
use rekindle_core::tree::Tree;
use rekindle_core::value::{InvalidPath, Path, Value};

mod snapshot;

#[cfg(test)]
mod tests;

pub use rekindle_core::tree::{EditError, ReadError, ReadProblem};
pub use snapshot::Snapshot;

/// Holds the snapshot that runs.
pub struct Store {
    current: ArcSwap<Snapshot>,
}

/// Number and digest, never a value.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.load()).finish()
    }
}

impl Store {
    /// A store that begins with this tree as version 1.
    #[must_use]
    pub fn new(tree: &Value, digest: Digest) -> Self {
        Self { current: ArcSwap::from_pointee(Snapshot::new(Tree::from(tree), VersionNumber(1), digest)) }
    }

    pub(crate) fn starting(snapshot: Arc<Snapshot>) -> Self {
        Self { current: ArcSwap::new(snapshot) }
    }

    /// Puts a snapshot in place as it is, for the one owner who numbers them.
    #[cfg(feature = "watch")]
    pub(crate) fn put(&self, snapshot: Arc<Snapshot>) {
        self.current.store(snapshot);
    }

    /// The same for a tree that was not read from documents; its digest is that of the tree written as JSON.
    #[must_use]
    pub fn of_tree(tree: &Value) -> Self {
        Self::new(tree, digest_of(&Tree::from(tree)))
    }

    /// The snapshot that runs, to be kept as long as it is needed.
    #[must_use]
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// The snapshot that runs, for a short look: cheaper than [`Self::load`], and not to be held across an `await`.
    #[must_use]
    pub fn peek(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// Puts a new tree in place, as the next version, and gives it.
    pub fn replace(&self, tree: &Value, digest: Digest) -> Arc<Snapshot> {
        let Ok(next) = self.advance(|current| Ok::<_, std::convert::Infallible>((current.grown_to(tree), digest)));
        next
    }

    /// Changes any number of keys in one step, and gives the version that has them.
    ///
    /// The closure gets the tree that runs and may be called again when another writer was faster, so it must do
    /// nothing but edit. Nothing changes, and no version is made, when it fails or when all keys keep their values.
    ///
    /// # Errors
    /// The closure's.
    pub fn update<E>(&self, edit: impl Fn(&mut Edit) -> Result<(), E>) -> Result<Arc<Snapshot>, E> {
        self.advance(|current| {
            let mut next = Edit { tree: current.clone() };
            edit(&mut next)?;
            let digest = digest_of(&next.tree);
            Ok((next.tree, digest))
        })
    }

    fn advance<E>(&self, next: impl Fn(&Tree) -> Result<(Tree, Digest), E>) -> Result<Arc<Snapshot>, E> {
        let mut current = self.current.load();
        loop {
            let (tree, digest) = next(current.tree())?;
            if tree == *current.tree() && digest == current.digest() {
                return Ok(Guard::into_inner(current));
            }
            let made = Arc::new(Snapshot::new(tree, current.version().next(), digest));
            let before = self.current.compare_and_swap(&*current, made.clone());
            if Arc::ptr_eq(&before, &current) {
                return Ok(made);
            }
            current = before;
        }
    }
}

/// The digest of a tree without documents: as if it were one, `tree.json`, in its shortest form with sorted keys.
fn digest_of(tree: &Tree) -> Digest {
    let text = tree.to_value().to_string();
    let document = DocumentName::parse("tree.json").map(|name| BTreeMap::from([(name, text.into())]));
    Digest::of(&Documents::join(document))
}

/// A tree while it is being changed.
#[derive(Debug)]
pub struct Edit {
    tree: Tree,
}

/// Why a key was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// The path cannot be read.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The path leads nowhere.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl Edit {
    /// Sets the value at a path such as `database.pools[0].size`. Maps that are missing on the way are made; an index
    /// may be the one after the last.
    ///
    /// # Errors
    /// [`UpdateError`]; the tree is as it was.
    pub fn set(&mut self, path: &str, value: &Value) -> Result<(), UpdateError> {
        Ok(self.tree.set(&Path::parse(path)?, value)?)
    }

    /// Takes out the value at a path; says whether there was one.
    ///
    /// # Errors
    /// The path cannot be read.
    pub fn remove(&mut self, path: &str) -> Result<bool, UpdateError> {
        Ok(self.tree.remove(&Path::parse(path)?))
    }

    /// The tree with the changes so far.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}
