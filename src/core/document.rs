//! Documents: the named pieces of bytes that a source holds and that targets receive.
//! Must not know where they came from or what is inside them.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{InvalidName, name_type};

/// The rules of ConfigMap keys, which file sources follow too.
/// Source: the validation of ConfigMap keys in the Kubernetes API.
fn check_document_name(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if text.is_empty() || text.len() > 253 {
        return Err("it must have 1 to 253 characters");
    }
    if !text.chars().all(allowed) {
        return Err("use letters, digits, `-`, `_` and `.`");
    }
    if text == "." || text.starts_with("..") {
        return Err("it must not be `.` or begin with `..`");
    }
    Ok(())
}

name_type!(
    /// The name of a document: a ConfigMap key or a file name.
    DocumentName,
    "document name",
    check_document_name
);

/// How a document is read; follows from its name and, for the last two, its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `*.yaml`, `*.yml`
    Yaml,
    /// `*.json`
    Json,
    /// `*.toml`
    Toml,
    /// `.env`, `.env.*`, `*.env`
    Env,
    /// `*.properties`
    Properties,
    /// Any other name, UTF-8 content.
    Text,
    /// Any other name, content that is not UTF-8.
    Binary,
}

impl Format {
    /// The format of a document with this name and content.
    ///
    /// A name that promises a structured format is taken at its word, whatever the bytes are, so that broken
    /// content becomes a finding and not silently a binary blob.
    #[must_use]
    pub fn of(name: &DocumentName, content: &[u8]) -> Self {
        let name = name.as_str();
        if name == ".env" || name.starts_with(".env.") {
            return Self::Env;
        }
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            Some("env") => Self::Env,
            Some("properties") => Self::Properties,
            _ if std::str::from_utf8(content).is_ok() => Self::Text,
            _ => Self::Binary,
        }
    }

    /// The word for it in the reload contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Env => "env",
            Self::Properties => "properties",
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of documents, in the order in which they are merged (later over earlier).
///
/// Names are unique: where two sources hold a document of one name, the later source's document takes the place of
/// the earlier one's, whole. Cheap to clone: contents are shared.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Documents {
    entries: Vec<(DocumentName, Bytes)>,
}

/// Names and sizes, never a content.
impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, content)| (name.as_str(), content.len()))).finish()
    }
}

impl Documents {
    /// Joins the documents of the sources, first source first; within a source, by name.
    #[must_use]
    pub fn join(sources: impl IntoIterator<Item = BTreeMap<DocumentName, Bytes>>) -> Self {
        let mut entries: Vec<(DocumentName, Bytes)> = Vec::new();
        for source in sources {
            entries.retain(|(name, _)| !source.contains_key(name));
            entries.extend(source);
        }
        Self { entries }
    }

    /// Rebuilds a set that was recorded in merge order.
    ///
    /// # Errors
    /// The name that occurs twice, when one does.
    pub fn from_ordered(entries: Vec<(DocumentName, Bytes)>) -> Result<Self, InvalidName> {
        let mut seen = std::collections::BTreeSet::new();
        for (name, _) in &entries {
            if !seen.insert(name) {
                return Err(InvalidName::new("set of documents", name.as_str(), "the name occurs twice"));
            }
        }
        Ok(Self { entries })
    }

    /// From entries in merge order whose names are known to differ.
    #[cfg(feature = "formats")]
    pub(crate) fn from_unique(entries: Vec<(DocumentName, Bytes)>) -> Self {
        Self { entries }
    }

    /// The documents in merge order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&DocumentName, &Bytes)> {
        self.entries.iter().map(|(name, content)| (name, content))
    }

    /// The content of one document.
    #[must_use]
    pub fn get(&self, name: &DocumentName) -> Option<&Bytes> {
        self.entries.iter().find(|(entry, _)| entry == name).map(|(_, content)| content)
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no document at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The sum of the contents' lengths, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.iter().map(|(_, content)| content.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DocumentName {
        DocumentName::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn source(entries: &[(&str, &'static str)]) -> BTreeMap<DocumentName, Bytes> {
        entries.iter().map(|(key, content)| (name(key), Bytes::from_static(content.as_bytes()))).collect()
    }

    #[test]
    fn names_follow_the_rules_of_config_map_keys() {
        for good in ["app.yaml", ".env", "A_b-c.1", ".a"] {
            assert!(DocumentName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "..data", "a/b", "a b", "é", &"x".repeat(254)] {
            assert!(DocumentName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_format_follows_from_name_and_bytes() {
        let cases = [
            ("app.yaml", Format::Yaml),
            ("app.yml", Format::Yaml),
            ("a.json", Format::Json),
            ("a.toml", Format::Toml),
            (".env", Format::Env),
            (".env.production", Format::Env),
            ("web.env", Format::Env),
            ("log.properties", Format::Properties),
            ("README", Format::Text),
            ("nginx.conf", Format::Text),
        ];
        for (key, format) in cases {
            assert_eq!(Format::of(&name(key), b"text"), format, "{key}");
        }
        assert_eq!(Format::of(&name("logo"), &[0xff, 0xfe]), Format::Binary);
        assert_eq!(Format::of(&name("app.yaml"), &[0xff, 0xfe]), Format::Yaml);
    }

    #[test]
    fn a_later_source_replaces_a_document_and_is_merged_last() {
        let joined = Documents::join([source(&[("a", "1"), ("z", "1")]), source(&[("a", "2"), ("b", "2")])]);
        let order: Vec<_> = joined.iter().map(|(name, content)| (name.as_str(), content.as_ref())).collect();
        assert_eq!(order, [("z", b"1".as_ref()), ("a", b"2"), ("b", b"2")]);
    }

    #[test]
    fn the_word_for_a_format_is_the_one_in_the_contract() {
        use Format::{Binary, Env, Json, Properties, Text, Toml, Yaml};
        let words = ["yaml", "json", "toml", "env", "properties", "text", "binary"];
        for (format, word) in [Yaml, Json, Toml, Env, Properties, Text, Binary].into_iter().zip(words) {
            assert_eq!(format.to_string(), word);
            assert_eq!(serde_json::to_value(format).ok(), Some(word.into()), "what is sent is the same word");
        }
    }

    #[test]
    fn a_set_is_found_counted_and_shown_without_its_contents() {
        let documents = Documents::join([source(&[("a", "hunter2"), ("b", "")])]);
        assert_eq!(documents.get(&name("a")).map(AsRef::as_ref), Some(b"hunter2".as_ref()));
        assert_eq!(documents.get(&name("c")), None);
        assert_eq!((documents.len(), documents.size(), documents.is_empty()), (2, 7, false));
        assert_eq!(format!("{documents:?}"), r#"{"a": 7, "b": 0}"#);
        assert!(Documents::default().is_empty());
    }

    #[test]
    fn a_recorded_set_with_a_name_twice_is_refused() {
        let twice = vec![(name("a"), Bytes::new()), (name("a"), Bytes::new())];
        assert!(Documents::from_ordered(twice).is_err());
    }
}
