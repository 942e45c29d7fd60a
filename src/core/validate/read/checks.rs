//! What the parts of a schema must be to each other, once they are read.
//! Must not know how they are written, beyond what a node does not keep.

use super::super::finder::{Finder, Trail};
use super::super::schema::{Additional, ListType, Node, Type};
use super::super::spec::UnknownFields;
use super::super::{structural, unknown};
use super::{Fields, Reader};
use crate::value::Value;

impl Reader {
    pub(super) fn check_shape(&mut self, node: &Node, fields: &Fields, place: &str) {
        if node.kind.is_none() && !node.int_or_string && !node.preserve_unknown && !fields.contains_key("type") {
            let hint = "add type, or x-kubernetes-preserve-unknown-fields: true for anything";
            self.fault(&format!("{place}.type"), "the type is missing", hint);
        }
        if node.int_or_string && node.preserve_unknown {
            self.fault(place, "it is either integer or string, or has unknown fields, not both", "leave one out");
        }
        if node.kind == Some(Type::Array) && node.items.is_none() {
            self.fault(&format!("{place}.items"), "the schema of the items is missing", "add items");
        }
        if !node.properties.is_empty() && matches!(node.additional, Additional::Schema(_) | Additional::None) {
            let hint = "name the keys, or give all of them one schema";
            self.fault(
                &format!("{place}.additionalProperties"),
                "properties and additionalProperties exclude each other",
                hint,
            );
        }
        self.check_list(node, fields, place);
    }

    /// What tells the items of a list apart must be there in each, and of one value.
    fn check_list(&mut self, node: &Node, fields: &Fields, place: &str) {
        let at = format!("{place}.x-kubernetes-list-map-keys");
        match (&node.list_type, &node.items) {
            (ListType::Map(_), Some(items)) if items.kind != Some(Type::Object) => {
                self.fault(&at, "the items of a list of type map are objects", "");
            }
            (ListType::Map(keys), Some(items)) => {
                for (index, key) in keys.iter().enumerate() {
                    match items.properties.get(key) {
                        None => self.fault(&at, format!("the items have no key {key:?}"), "name it in properties"),
                        Some(child) if matches!(child.kind, Some(Type::Object | Type::Array)) => {
                            self.fault(&at, format!("the key {key:?} must not be an object or a list"), "");
                        }
                        Some(child) if child.default.is_none() && !items.required.contains(key) => {
                            self.fault(&at, format!("the key {key:?} must be required or have a default"), "");
                        }
                        Some(_) if keys.iter().take(index).any(|other| other == key) => {
                            self.fault(&at, format!("the key {key:?} is named twice"), "");
                        }
                        Some(_) => {}
                    }
                }
            }
            (ListType::Set, Some(items)) => {
                let inner = fields.get("items").and_then(|items| items.get("x-kubernetes-map-type"));
                let atomic = inner == Some(&Value::from("atomic"));
                if items.kind == Some(Type::Object) && !atomic || items.list_type != ListType::Atomic {
                    let hint = "give the items x-kubernetes-map-type: atomic";
                    self.fault(&format!("{place}.items"), "the items of a set must be atomic", hint);
                }
            }
            _ => {}
        }
    }

    /// What is said below a junctor must also be said outside of it: its keys and items are those of the spine.
    pub(super) fn check_complete(&mut self, node: &Node, place: &str) {
        for (key, nested) in [("allOf", &node.all_of), ("anyOf", &node.any_of), ("oneOf", &node.one_of)] {
            for (index, nested) in nested.iter().enumerate() {
                self.check_covered(nested, Some(node), &format!("{place}.{key}[{index}]"));
            }
        }
        if let Some(nested) = &node.not {
            self.check_covered(nested, Some(node), &format!("{place}.not"));
        }
        for (key, child) in &node.properties {
            self.check_complete(child, &format!("{place}.properties[{key}]"));
        }
        if let Additional::Schema(child) = &node.additional {
            self.check_complete(child, &format!("{place}.additionalProperties"));
        }
        if let Some(child) = &node.items {
            self.check_complete(child, &format!("{place}.items"));
        }
    }

    /// A default must satisfy its own schema, without help of the defaults in it.
    pub(super) fn check_defaults(&mut self, node: &Node, place: &str) {
        if let Some(default) = &node.default {
            let mut finder = Finder::new();
            structural::check(node, default, &Trail::root(), &mut finder);
            unknown::check(node, default, UnknownFields::Deny, &mut finder);
            if let Some(finding) = finder.findings().first() {
                let path = if finding.path.is_root() { String::new() } else { format!(" at {}", finding.path) };
                self.fault(&format!("{place}.default"), format!("the default{path} {}", finding.message), "");
            }
        }
        for (key, child) in &node.properties {
            self.check_defaults(child, &format!("{place}.properties[{key}]"));
        }
        if let Additional::Schema(child) = &node.additional {
            self.check_defaults(child, &format!("{place}.additionalProperties"));
        }
        if let Some(child) = &node.items {
            self.check_defaults(child, &format!("{place}.items"));
        }
    }

    fn check_covered(&mut self, nested: &Node, spine: Option<&Node>, place: &str) {
        let hint = "name it outside of allOf, anyOf, oneOf and not as well";
        for (key, child) in &nested.properties {
            let place = format!("{place}.properties[{key}]");
            match spine.and_then(|spine| spine.properties.get(key)) {
                Some(spine) => self.check_covered(child, Some(spine), &place),
                None => self.fault(&place, "this key is not named in the schema outside", hint),
            }
        }
        if let Some(child) = &nested.items {
            let place = format!("{place}.items");
            match spine.and_then(|spine| spine.items.as_deref()) {
                Some(spine) => self.check_covered(child, Some(spine), &place),
                None => self.fault(&place, "the schema outside has no items", hint),
            }
        }
        for (key, list) in [("allOf", &nested.all_of), ("anyOf", &nested.any_of), ("oneOf", &nested.one_of)] {
            for (index, child) in list.iter().enumerate() {
                self.check_covered(child, spine, &format!("{place}.{key}[{index}]"));
            }
        }
        if let Some(child) = &nested.not {
            self.check_covered(child, spine, &format!("{place}.not"));
        }
    }
}
