//! A version's content as it is recorded: documents packed into one container, compressed, and back again.
//! Must not know where the bytes are kept. What comes back is trusted only after its digest was compared.
//!
//! The container, before compression: the bytes `RKV1`; then each document in merge order as the length of its name,
//! the length of its content (both 4 bytes, big-endian), its name, its content.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use zstd::zstd_safe::CParameter;

use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::finding::{Finding, Rule};
use crate::ids::InvalidName;

/// The largest packed content, in bytes.
///
/// etcd takes requests of at most 1.5 MiB, and JSON needs base64, which is a third longer. 1 MiB and 64 KiB become
/// 1,485,484 characters and leave 87,380 bytes for the object's other fields. 1 MiB is the largest content of a
/// ConfigMap, so each one fits even when it cannot be compressed; the 64 KiB are for names and framing.
pub const MAX_PACKED: usize = 1024 * 1024 + 64 * 1024;

/// The largest content of one version before compression, names and framing included, in bytes.
///
/// Eight sources of 1 MiB fit. It bounds what a record can cost whoever reads it, whatever was written into it.
pub const MAX_UNPACKED: usize = 10 * 1024 * 1024;

/// Measured on manifests of 1 to 100 KB: 2 % smaller than level 1, which is 1 to 40 µs faster; level 6 takes three
/// times as long for nothing. A kept context would save 10 µs and cost purity.
const LEVEL: i32 = 3;

const MAGIC: &[u8] = b"RKV1";

/// How the bytes of a recorded content are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The container, as one Zstandard frame that states its size and carries a checksum.
    Zstd,
}

impl Encoding {
    /// Reads the word that a record bears.
    ///
    /// # Errors
    /// [`UnpackError::UnknownEncoding`] for a word that this release does not know.
    pub fn parse(word: &str) -> Result<Self, UnpackError> {
        match word {
            "zstd" => Ok(Self::Zstd),
            other => Err(UnpackError::UnknownEncoding(other.chars().take(40).collect())),
        }
    }

    /// The word for it in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A content ready to be recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    /// How `bytes` are encoded.
    pub encoding: Encoding,
    /// At most [`MAX_PACKED`] bytes.
    pub bytes: Bytes,
    /// The sum of the documents' lengths before compression, in bytes.
    pub size: usize,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({}, {} bytes of {})", self.encoding, self.bytes.len(), self.size)
    }
}

/// Why documents cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// They are too large before compression.
    #[error(
        "the documents and their names have {size} bytes together, and one version can hold at most {MAX_UNPACKED}"
    )]
    Unpacked {
        /// Their size with names and framing, in bytes.
        size: usize,
    },
    /// They are too large after compression.
    #[error(
        "the documents have {size} bytes and still {packed} compressed, and one version can hold at most {MAX_PACKED}"
    )]
    Packed {
        /// The size of the contents, in bytes.
        size: usize,
        /// The size after compression, in bytes.
        packed: usize,
    },
    /// The compressor failed, which it does for want of memory only.
    #[error("the documents could not be compressed: {problem}")]
    Compress {
        /// The compressor's words.
        problem: String,
    },
}

impl PackError {
    /// The same as a finding about the whole configuration.
    #[must_use]
    pub fn to_finding(&self) -> Finding {
        Finding::error(Rule::TooLarge, self.to_string())
            .hint("split the configuration over several policies, or move large files out of it")
    }
}

/// Why a recorded content cannot be used; a record that gives any of these must never be pushed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// A later release wrote it, or a hand.
    #[error("the record's encoding `{0}` is not known, only `zstd` is")]
    UnknownEncoding(String),
    /// It is larger than any content that was ever recorded.
    #[error("the record would unpack to more than {MAX_UNPACKED} bytes")]
    TooLarge,
    /// The compressed bytes are damaged.
    #[error("the record cannot be decompressed: {problem}")]
    Decompress {
        /// The decompressor's words.
        problem: String,
    },
    /// The container is damaged.
    #[error("the record does not hold documents: {0}")]
    Container(&'static str),
    /// A document's name is impossible or occurs twice.
    #[error("the record holds an impossible document")]
    Name(#[source] InvalidName),
    /// The documents are not those that were recorded.
    #[error("the record holds documents with the digest {found}, not {expected}")]
    Digest {
        /// What the record claims.
        expected: Digest,
        /// What its content has.
        found: Digest,
    },
}

/// Packs documents for recording, merge order included.
///
/// # Errors
/// [`PackError`] when they do not fit; its finding says by how much.
pub fn pack(documents: &Documents) -> Result<Packed, PackError> {
    let size = documents.size();
    let framed = documents.iter().map(|(name, content)| 8 + name.as_str().len() + content.len()).sum::<usize>();
    let whole = MAGIC.len() + framed;
    if whole > MAX_UNPACKED {
        return Err(PackError::Unpacked { size: whole });
    }
    let mut container = BytesMut::with_capacity(whole);
    container.put_slice(MAGIC);
    for (name, content) in documents.iter() {
        for part in [name.as_str().as_bytes(), content.as_ref()] {
            container.put_u32(u32::try_from(part.len()).map_err(|_| PackError::Unpacked { size: whole })?);
        }
        container.put_slice(name.as_str().as_bytes());
        container.put_slice(content);
    }
    let bytes = compress(&container).map_err(|problem| PackError::Compress { problem: problem.to_string() })?;
    if bytes.len() > MAX_PACKED {
        return Err(PackError::Packed { size, packed: bytes.len() });
    }
    Ok(Packed { encoding: Encoding::Zstd, bytes: Bytes::from(bytes), size })
}

fn compress(container: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.compress(container)
}

/// Reads a recorded content back; only documents with the `expected` digest come out.
///
/// The digest covers names and contents but not the merge order, so a record whose documents somebody put into
/// another order by hand is accepted.
///
/// # Errors
/// [`UnpackError`] for anything that [`pack`] did not make; at most [`MAX_UNPACKED`] bytes are ever unpacked.
pub fn unpack(encoding: Encoding, bytes: &[u8], expected: &Digest) -> Result<Documents, UnpackError> {
    let container = match encoding {
        Encoding::Zstd => decompress(bytes)?,
    };
    let documents = parse(container)?;
    let found = Digest::of(&documents);
    if found != *expected {
        return Err(UnpackError::Digest { expected: *expected, found });
    }
    Ok(documents)
}

fn decompress(bytes: &[u8]) -> Result<Bytes, UnpackError> {
    let damaged = |problem: &dyn fmt::Display| UnpackError::Decompress { problem: problem.to_string() };
    let stated = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let stated = stated.ok_or_else(|| damaged(&"it is not a frame that states its size"))?;
    let stated = usize::try_from(stated).unwrap_or(usize::MAX);
    if stated > MAX_UNPACKED {
        return Err(UnpackError::TooLarge);
    }
    let container = zstd::bulk::decompress(bytes, stated).map_err(|problem| damaged(&problem))?;
    Ok(Bytes::from(container))
}

fn parse(mut rest: Bytes) -> Result<Documents, UnpackError> {
    if take(&mut rest, MAGIC.len())? != MAGIC {
        return Err(UnpackError::Container("it does not begin with RKV1"));
    }
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let name_length = take_length(&mut rest)?;
        let content_length = take_length(&mut rest)?;
        let name = take(&mut rest, name_length)?;
        let name = std::str::from_utf8(&name).map_err(|_| UnpackError::Container("a name is not UTF-8"))?;
        let name = DocumentName::parse(name).map_err(UnpackError::Name)?;
        entries.push((name, take(&mut rest, content_length)?));
    }
    Documents::from_ordered(entries).map_err(UnpackError::Name)
}

fn take(rest: &mut Bytes, length: usize) -> Result<Bytes, UnpackError> {
    if length > rest.len() {
        return Err(UnpackError::Container("it ends in the middle of a document"));
    }
    Ok(rest.split_to(length))
}

fn take_length(rest: &mut Bytes) -> Result<usize, UnpackError> {
    let bytes = take(rest, 4)?;
    Ok(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests;
