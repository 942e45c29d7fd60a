//! A configuration: documents, what they mean when read, and the one tree they give together.
//! Must not know where the documents came from or whether the tree satisfies a schema.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Map;

use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::finding::Finding;
use crate::format::{self, Dialect};
use crate::value::{self, Value};

/// Documents that could all be read, with their values and their merged tree. Never changes.
#[derive(Clone, PartialEq)]
pub struct Configuration {
    documents: Documents,
    digest: Digest,
    parsed: BTreeMap<DocumentName, Value>,
    tree: Value,
}

/// Names and sizes, never a value.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Configuration({}, {:?})", self.digest, self.documents)
    }
}

impl Configuration {
    /// Reads every document and merges them.
    ///
    /// The tree is a map. Documents are laid over each other in the order of the set, later over earlier: maps key
    /// by key, anything else whole. Only documents whose root is a map take part; text, binary and documents with
    /// another root (a list, a single value, an empty YAML file) stand beside the tree.
    ///
    /// # Errors
    /// The findings of all documents, in the order of the set.
    pub fn parse(documents: Documents, dialect: Dialect) -> Result<Self, Vec<Finding>> {
        let mut parsed = BTreeMap::new();
        let mut findings = Vec::new();
        let mut tree = Value::Object(Map::new());
        for (name, content) in documents.iter() {
            match format::parse(name, content, dialect) {
                Ok(Some(value)) => {
                    if value.is_object() {
                        value::merge(&mut tree, value.clone());
                    }
                    parsed.insert(name.clone(), value);
                }
                Ok(None) => {}
                Err(found) => findings.extend(found),
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let digest = Digest::of(&documents);
        Ok(Self { documents, digest, parsed, tree })
    }

    /// A configuration whose tree was laid together elsewhere; variables enter the digest, if there are any.
    pub(crate) fn assembled(
        documents: Documents,
        parsed: BTreeMap<DocumentName, Value>,
        tree: Value,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let digest = if variables.is_empty() { Digest::of(&documents) } else { Digest::with(&documents, variables) };
        Self { documents, digest, parsed, tree }
    }

    /// The documents as they came.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// What makes two configurations the same.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The merged tree; always a map.
    #[must_use]
    pub fn tree(&self) -> &Value {
        &self.tree
    }

    /// What a document means; none for text, binary and unknown names.
    #[must_use]
    pub fn document(&self, name: &DocumentName) -> Option<&Value> {
        self.parsed.get(name)
    }

    /// The documents that have a structure, by name.
    pub fn parsed(&self) -> impl Iterator<Item = (&DocumentName, &Value)> {
        self.parsed.iter()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::finding::Rule;

    fn documents(sources: &[&[(&str, &'static str)]]) -> Documents {
        Documents::join(sources.iter().map(|source| {
            let entries = source
                .iter()
                .map(|(name, content)| (DocumentName::parse(*name).unwrap(), Bytes::from_static(content.as_bytes())));
            entries.collect::<BTreeMap<_, _>>()
        }))
    }

    #[test]
    fn later_documents_lie_over_earlier_ones() {
        let base: &[_] = &[("app.yaml", "a: {x: 1, y: 1}\nb: 1\n"), ("z.json", "{\"b\": 2}")];
        let over: &[_] = &[("0.yaml", "a: {y: 2}\n")];
        let configuration = Configuration::parse(documents(&[base, over]), Dialect::Yaml12).unwrap();
        assert_eq!(configuration.tree(), &json!({"a": {"x": 1, "y": 2}, "b": 2}));
        assert_eq!(configuration.parsed().count(), 3);
    }

    #[test]
    fn only_maps_take_part_in_the_tree() {
        let source: &[_] = &[("a.yaml", "a: 1"), ("b.yaml", "- 1"), ("c.yaml", ""), ("d.json", "7"), ("notes", "a: 2")];
        let set = documents(&[source]);
        let configuration = Configuration::parse(set.clone(), Dialect::Yaml12).unwrap();
        assert_eq!(configuration.tree(), &json!({"a": 1}));
        assert_eq!(configuration.document(&DocumentName::parse("b.yaml").unwrap()), Some(&json!([1])));
        assert_eq!(configuration.document(&DocumentName::parse("c.yaml").unwrap()), Some(&Value::Null));
        assert_eq!(configuration.document(&DocumentName::parse("notes").unwrap()), None);
        assert_eq!(configuration.digest(), Digest::of(&set));
        assert_eq!(configuration.documents(), &set);
    }

    #[test]
    fn the_tree_of_nothing_is_an_empty_map() {
        let configuration = Configuration::parse(Documents::default(), Dialect::Yaml12).unwrap();
        assert_eq!(configuration.tree(), &json!({}));
    }

    #[test]
    fn findings_of_all_documents_are_collected() {
        let source: &[_] = &[("a.yaml", "a: ["), ("b.json", "{"), ("c.yaml", "fine: true")];
        let findings = Configuration::parse(documents(&[source]), Dialect::Yaml12).unwrap_err();
        let found: Vec<_> = findings.iter().map(|f| (f.document.as_ref().unwrap().as_str(), f.rule)).collect();
        assert_eq!(found, [("a.yaml", Rule::Syntax), ("b.json", Rule::Syntax)]);
    }
}
