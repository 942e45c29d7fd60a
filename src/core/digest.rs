//! The digest that makes two configurations the same: SHA-256 over the canonical list of (name, bytes).
//! Must not know formats: equal bytes are equal, whatever they mean.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::document::Documents;

/// SHA-256 over the documents sorted by name.
///
/// Each document counts as the length of its name, its name, the length of its content and its content; lengths are
/// 8 bytes, big-endian. The order in which documents are merged does not enter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is `sha256:` and 64 lower case hexadecimal digits")]
pub struct InvalidDigest;

impl Digest {
    /// The digest of a set of documents.
    #[must_use]
    pub fn of(documents: &Documents) -> Self {
        Self(hash(documents).finalize().into())
    }

    /// The digest of a set of documents and of variables that lie over them.
    ///
    /// The variables follow the documents, sorted by name and counted in the same way. An empty name, which no
    /// document has, stands between the two, so that no set of documents has the digest of one with variables.
    #[must_use]
    pub fn with(documents: &Documents, variables: &BTreeMap<String, String>) -> Self {
        let mut hash = hash(documents);
        count(&mut hash, b"");
        for (name, value) in variables {
            count(&mut hash, name.as_bytes());
            count(&mut hash, value.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// Reads the text form, `sha256:<hex>`.
    ///
    /// # Errors
    /// [`InvalidDigest`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidDigest> {
        let hex = text.strip_prefix("sha256:").ok_or(InvalidDigest)?;
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return Err(InvalidDigest);
        }
        base16ct::lower::decode(hex, &mut bytes).map_err(|_| InvalidDigest)?;
        Ok(Self(bytes))
    }

    /// The first 12 digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        base16ct::lower::encode_string(&self.0).chars().take(12).collect()
    }
}

fn hash(documents: &Documents) -> Sha256 {
    let mut sorted: Vec<_> = documents.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    for (name, content) in sorted {
        count(&mut hash, name.as_str().as_bytes());
        count(&mut hash, content);
    }
    hash
}

fn count(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::document::DocumentName;

    fn documents(entries: &[(&str, &'static [u8])]) -> Documents {
        let sources = entries.iter().map(|(name, content)| {
            let name = DocumentName::parse(*name).unwrap_or_else(|error| panic!("{error}"));
            BTreeMap::from([(name, Bytes::from_static(content))])
        });
        Documents::join(sources)
    }

    #[test]
    fn the_empty_set_has_the_digest_of_nothing() {
        assert_eq!(
            Digest::of(&Documents::default()).to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn the_canonical_form_is_the_one_of_the_contract() {
        let mut hash = Sha256::new();
        hash.update(b"\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x02hi\0\0\0\0\0\0\0\x01b\0\0\0\0\0\0\0\0");
        let expected = Digest(hash.finalize().into());
        assert_eq!(Digest::of(&documents(&[("a", b"hi"), ("b", b"")])), expected);
        assert_eq!(Digest::of(&documents(&[("b", b""), ("a", b"hi")])), expected, "merge order does not enter");
    }

    #[test]
    fn bytes_cannot_move_between_name_and_content() {
        assert_ne!(Digest::of(&documents(&[("ab", b"c")])), Digest::of(&documents(&[("a", b"bc")])));
    }

    #[test]
    fn variables_enter_after_the_documents() {
        let set = documents(&[("a", b"1")]);
        let variables = |value: &str| BTreeMap::from([("b".to_owned(), value.to_owned())]);
        assert_ne!(Digest::with(&set, &variables("1")), Digest::of(&documents(&[("a", b"1"), ("b", b"1")])));
        assert_ne!(Digest::with(&set, &variables("1")), Digest::with(&set, &variables("2")));
        assert_ne!(Digest::with(&set, &BTreeMap::new()), Digest::of(&set));
    }

    #[test]
    fn text_form_round_trips_and_refuses_anything_else() {
        let digest = Digest::of(&documents(&[("a", b"1")]));
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        for bad in ["", "sha256:", "sha256:00", &digest.to_string().to_uppercase(), &format!("{digest}0")] {
            assert_eq!(Digest::parse(bad), Err(InvalidDigest), "{bad}");
        }
        assert_eq!(digest.short().len(), 12);
    }
}
