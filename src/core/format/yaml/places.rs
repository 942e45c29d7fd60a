//! The places of a YAML text's parts.
//! Must not know what scalars mean.

use std::collections::BTreeMap;

use super::super::limits::MAX_DEPTH;
use super::super::places::{Entry, Node, NodeId, Nodes, Place, Places};
use super::events::{Event, Events, Kind, Properties, Tag};

/// None when the text cannot be read or is empty.
pub(super) fn places(text: &str) -> Option<Places<'_>> {
    let mut surveyor = Surveyor { events: Events::new(text), nodes: Nodes::default(), anchors: BTreeMap::new() };
    let Kind::Document = surveyor.events.next().ok()?.kind else { return None };
    let event = surveyor.events.next().ok()?;
    let root = surveyor.node(event, 0)?;
    Some(surveyor.nodes.into_places(text, root))
}

struct Surveyor<'text> {
    events: Events<'text>,
    nodes: Nodes,
    anchors: BTreeMap<usize, NodeId>,
}

impl<'text> Surveyor<'text> {
    fn node(&mut self, event: Event<'text>, depth: usize) -> Option<Place> {
        if depth > MAX_DEPTH {
            return None;
        }
        let at = event.at;
        let node = match event.kind {
            Kind::Scalar { properties, .. } => self.begin(properties),
            Kind::List(properties) => {
                let id = self.begin(properties);
                let list = self.list(depth)?;
                self.nodes.set(id, list);
                id
            }
            Kind::Map(properties) => {
                let id = self.begin(properties);
                let map = self.map(depth)?;
                self.nodes.set(id, map);
                id
            }
            Kind::Alias(anchor) => *self.anchors.get(&anchor)?,
            Kind::End | Kind::Document | Kind::Stream => return None,
        };
        Some(Place { at, node })
    }

    fn begin(&mut self, properties: Properties) -> NodeId {
        let id = self.nodes.add(Node::Scalar);
        if properties.anchor != 0 {
            self.anchors.insert(properties.anchor, id);
        }
        id
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            let event = self.events.next().ok()?;
            if matches!(event.kind, Kind::End) {
                return Some(Node::List(items));
            }
            items.push(self.node(event, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Option<Node> {
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        loop {
            let event = self.events.next().ok()?;
            let key_at = event.at;
            let (key, is_merge) = match event.kind {
                Kind::End => return Some(Node::Map { entries, merged }),
                Kind::Scalar { text, plain, properties } => {
                    self.begin(properties);
                    let is_merge = text == "<<" && (plain || properties.tag == Tag::Merge);
                    (text.into_owned(), is_merge)
                }
                // A key that is no text has no path, but its value must be passed over.
                kind => {
                    self.node(Event { at: key_at, kind }, depth + 1)?;
                    (String::new(), false)
                }
            };
            let event = self.events.next().ok()?;
            let value = self.node(event, depth + 1)?;
            if is_merge {
                merged.push(value.node);
            } else {
                entries.push(Entry { key, key_at, value });
            }
        }
    }
}
