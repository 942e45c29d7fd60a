//! What differs between two configurations, as counts and paths that a record, a push and a person can bear.
//! Must not hold values, and must stay small whatever the configurations are.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Map;

use super::{Change, Trail, leaves, values};
use crate::configuration::Configuration;
use crate::document::DocumentName;
use crate::value::{Path, Value};

/// How many paths a summary lists, at most.
pub const MAX_PATHS: usize = 50;

/// The longest listed path, in characters; longer ones are cut and end with `…`.
pub const MAX_PATH_LENGTH: usize = 256;

/// How much differs and where, without any value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// How many values are new.
    pub added: usize,
    /// How many values are gone.
    pub removed: usize,
    /// How many values are others.
    pub changed: usize,
    /// Where: the paths in the merged tree in their order, then the names of documents; at most [`MAX_PATHS`].
    pub paths: Vec<String>,
    /// Whether there are more than are listed.
    pub truncated: bool,
}

impl Summary {
    /// Compares two configurations; without an old one everything is new.
    ///
    /// Counted and listed are the scalars (and empty maps and lists) of the merged tree: an added map of three
    /// numbers counts three. A document that takes no part in the tree (text, binary, a list) counts as one value
    /// under its own name. Documents that are in the tree are named only when the tree is the same and still an
    /// application can see a difference: one was renamed, or what changed in it lies under another document.
    #[must_use]
    pub fn between(old: Option<&Configuration>, new: &Configuration) -> Self {
        let nothing = Value::Object(Map::new());
        let mut summary = Self::default();
        for entry in values(old.map_or(&nothing, Configuration::tree), new.tree()) {
            match entry.change {
                Change::Added(value) => summary.added += summary.list_leaves(&entry.path, value),
                Change::Removed(value) => summary.removed += summary.list_leaves(&entry.path, value),
                Change::Changed(..) | Change::TypeChanged(..) => {
                    summary.changed += 1;
                    summary.list(|| entry.path.to_string());
                }
            }
        }
        let same_tree = summary.is_empty();
        let names: BTreeSet<_> = names(new).chain(old.into_iter().flat_map(names)).collect();
        for name in names {
            let beside = |side: &Configuration| !side.document(name).is_some_and(Value::is_object);
            if same_tree || beside(new) || old.is_some_and(beside) {
                summary.count_document(name, old, new);
            }
        }
        summary
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }

    fn count_document(&mut self, name: &DocumentName, old: Option<&Configuration>, new: &Configuration) {
        let held = |side: &Configuration| side.documents().get(name).is_some();
        match (old.filter(|old| held(old)), held(new)) {
            (Some(old), true) if same_document(name, old, new) => return,
            (Some(_), true) => self.changed += 1,
            (Some(_), false) => self.removed += 1,
            (None, true) => self.added += 1,
            (None, false) => return,
        }
        self.list(|| name.to_string());
    }

    fn list_leaves(&mut self, path: &Path, value: &Value) -> usize {
        let mut count = 0;
        leaves(value, &Trail::below(path), &mut |leaf| {
            count += 1;
            self.list(|| leaf.path().to_string());
        });
        count
    }

    fn list(&mut self, path: impl FnOnce() -> String) {
        if self.paths.len() < MAX_PATHS {
            self.paths.push(shortened(path()));
        } else {
            self.truncated = true;
        }
    }
}

/// `+1 -0 ~2`: added, removed, changed.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} -{} ~{}", self.added, self.removed, self.changed)
    }
}

/// Whether an application could see any difference: only then is a new version needed.
///
/// Other whitespace, comments, key order or quoting in a structured document change its bytes and the digest, but
/// nothing that a reader of the document sees. A document of another name, or a value that moved from one document
/// to another, is a difference even if the merged tree is the same, since applications read documents by name.
/// Equal digests are the same configuration, in whatever order the documents are merged.
#[must_use]
pub fn effective_change(old: &Configuration, new: &Configuration) -> bool {
    if old.digest() == new.digest() {
        return false;
    }
    let same_documents =
        old.documents().len() == new.documents().len() && names(new).all(|name| same_document(name, old, new));
    !same_documents || old.tree() != new.tree()
}

fn names(configuration: &Configuration) -> impl Iterator<Item = &DocumentName> {
    configuration.documents().iter().map(|(name, _)| name)
}

/// Whether both sides hold the document and it means the same; what has no structure is compared by its bytes.
fn same_document(name: &DocumentName, old: &Configuration, new: &Configuration) -> bool {
    match (old.document(name), new.document(name)) {
        (Some(old), Some(new)) => old == new,
        (None, None) => {
            let content = old.documents().get(name);
            content.is_some() && content == new.documents().get(name)
        }
        _ => false,
    }
}

fn shortened(path: String) -> String {
    match path.char_indices().nth(MAX_PATH_LENGTH) {
        None => path,
        Some(_) => path.chars().take(MAX_PATH_LENGTH - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests;
