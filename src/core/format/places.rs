//! Where the parts of a document stand in its text; built only when a finding needs a place.
//! Must not know formats, nor the values at the places.

use std::fmt;

use crate::finding::Position;
use crate::value::{Path, Segment};

use super::limits::MAX_DEPTH;
use super::problem::position_of;

/// The places of one document's parts.
///
/// A scalar stands where its text begins. A map or list that has a key stands where the key does, because neither a
/// block in YAML nor a table in TOML has a beginning of its own; without a key it stands where its first part does.
pub struct Places<'text> {
    text: &'text str,
    nodes: Vec<Node>,
    root: Place,
}

/// How much there is, never the text.
impl fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Places({} in {} bytes)", self.nodes.len(), self.text.len())
    }
}

pub(super) type NodeId = usize;

/// A part of a document; offsets are in bytes.
#[derive(Debug)]
pub(super) enum Node {
    Scalar,
    List(Vec<Place>),
    Map {
        entries: Vec<Entry>,
        /// The maps and lists of maps that YAML's merge key brings in, first over later.
        merged: Vec<NodeId>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) node: NodeId,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: usize,
    pub(super) value: Place,
}

/// The nodes while they are collected.
#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.0.push(node);
        self.0.len() - 1
    }

    pub(super) fn set(&mut self, id: NodeId, node: Node) {
        if let Some(slot) = self.0.get_mut(id) {
            *slot = node;
        }
    }

    pub(super) fn into_places(self, text: &str, root: Place) -> Places<'_> {
        Places { text, nodes: self.0, root }
    }
}

impl Node {
    pub(super) fn map(entries: Vec<Entry>) -> Self {
        Self::Map { entries, merged: Vec::new() }
    }
}

impl Places<'_> {
    /// Where the value at `path` stands; for a missing key or item, where its nearest existing parent stands.
    #[must_use]
    pub fn find(&self, path: &Path) -> Position {
        let mut here = self.root;
        for segment in path.segments() {
            match self.child(here.node, segment) {
                Some(child) => here = child,
                None => break,
            }
        }
        position_of(self.text, here.at)
    }

    fn child(&self, node: NodeId, segment: &Segment) -> Option<Place> {
        match (self.nodes.get(node)?, segment) {
            (Node::List(items), Segment::Index(index)) => items.get(*index).copied(),
            (Node::Map { .. }, Segment::Key(key)) => self.entry(node, key, 0),
            _ => None,
        }
    }

    fn entry(&self, node: NodeId, key: &str, depth: usize) -> Option<Place> {
        // An anchor may be merged into itself in a text that no parser accepts.
        if depth > MAX_DEPTH {
            return None;
        }
        match self.nodes.get(node)? {
            Node::Scalar => None,
            Node::List(items) => items.iter().find_map(|item| self.entry(item.node, key, depth + 1)),
            Node::Map { entries, merged } => match entries.iter().find(|entry| entry.key == key) {
                Some(Entry { value, .. }) if matches!(self.nodes.get(value.node), Some(Node::Scalar)) => Some(*value),
                Some(Entry { key_at, value, .. }) => Some(Place { at: *key_at, ..*value }),
                None => merged.iter().find_map(|merged| self.entry(*merged, key, depth + 1)),
            },
        }
    }
}
