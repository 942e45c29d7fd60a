//! What a schema tells those who compare and show configurations: secrets, and what identifies items of lists.
//! Must not look at values.

use super::Schema;
use super::schema::{Additional, ListType, Node};
use crate::diff::Guide;
use crate::document::DocumentName;

impl Schema {
    /// What the schema tells of the merged tree: `x-rekindle-secret` and `x-kubernetes-list-map-keys`.
    ///
    /// What it says of any document counts too, since documents are laid over each other from their roots. So a
    /// document in which every key is secret makes every key of the tree secret: each could come from it.
    #[must_use]
    pub fn guide(&self) -> Guide {
        let documents = self.documents.iter().filter_map(|rules| rules.checks.as_ref());
        let merged = self.merged.iter().filter_map(|merged| merged.checks.as_ref());
        merged.chain(documents).fold(Guide::default(), |guide, checks| guide.join(of_node(&checks.node)))
    }

    /// What the schema tells of one document.
    #[must_use]
    pub fn guide_of(&self, name: &DocumentName) -> Guide {
        let rules = self.documents.iter().filter(|rules| rules.matcher.is_match(name.as_str()));
        let checks = rules.filter_map(|rules| rules.checks.as_ref());
        checks.fold(Guide::default(), |guide, checks| guide.join(of_node(&checks.node)))
    }
}

fn of_node(node: &Node) -> Guide {
    let mut guide = Guide::default();
    if node.secret {
        guide = guide.secret();
    }
    if let ListType::Map(keys) = &node.list_type {
        guide = guide.identified_by(keys.iter().cloned());
    }
    if let Some(items) = &node.items {
        guide = guide.items(of_node(items));
    }
    if let Additional::Schema(others) = &node.additional {
        guide = guide.others(of_node(others));
    }
    node.properties.iter().fold(guide, |guide, (name, child)| guide.key(name.clone(), of_node(child)))
}

#[cfg(test)]
mod tests;
