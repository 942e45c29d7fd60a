//! A version as a file: a line that says what follows and its checksum, then the version as JSON or YAML.
//! Must not know where files are. Nothing is taken that is not whole: length, checksum, shape and digest must fit.
//!
//! The first line, ended by one line feed, in ASCII:
//! `rekindle-version 1 <json|yaml> <none|zstd|gzip> <bytes that follow> sha256:<64 hexadecimal digits>`.
//! The checksum is taken over that line up to the blank before `sha256:`, and over everything that follows.

use std::fmt;
use std::io::Read;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::document::Documents;
use crate::ids::InvalidName;
use crate::version::content::MAX_UNPACKED;
use crate::version::local::LocalVersion;

mod container;

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

/// The largest container after decompression, in bytes.
///
/// JSON writes a control character as six bytes, so [`MAX_UNPACKED`] bytes of documents always fit; the rest is for
/// names and what is known of the version.
pub const MAX_CONTAINER: usize = 6 * MAX_UNPACKED + 1024 * 1024;

/// The largest file, in bytes: a container that could not be compressed, and its line.
pub const MAX_STORED: usize = MAX_CONTAINER + MAX_LINE;

const MAX_LINE: usize = 256;
const MAGIC: &str = "rekindle-version";
/// As for records, see `content`.
const LEVEL: i32 = 3;
/// The largest window that our level writes is far below; what asks for more is not ours and would cost memory.
const MAX_WINDOW_LOG: u32 = 23;

/// How a version is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Container {
    /// JSON, on one line.
    #[default]
    Json,
    /// YAML; texts of several lines stay readable when nothing is compressed.
    Yaml,
}

impl Container {
    /// The word for it in the first line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }
}

/// How the container is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Compression {
    /// Not at all.
    None,
    /// As one Zstandard frame.
    #[default]
    Zstd,
    /// As gzip. Read, so that a store can be filled by common tools; [`encode`] writes it as well.
    Gzip,
}

impl Compression {
    /// The word for it in the first line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// A version with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is known of it.
    pub version: LocalVersion,
    /// The content.
    pub documents: Documents,
}

/// Why a version cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The documents are too large.
    #[error("the documents have {size} bytes, and one version can hold at most {MAX_UNPACKED}")]
    TooLarge {
        /// Their size, in bytes.
        size: usize,
    },
    /// The container could not be written, which happens for want of memory only.
    #[error("writing the version as {}: {problem}", container.as_str())]
    Write {
        /// Which container.
        container: Container,
        /// The writer's words.
        problem: String,
    },
    /// The compressor failed, which it does for want of memory only.
    #[error("compressing the version: {problem}")]
    Compress {
        /// The compressor's words.
        problem: String,
    },
}

/// Why bytes are not a whole version. No message holds anything from a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A later release wrote it: it is no damage, and this release cannot tell what is in it.
    #[error("the file has format {0}, and this release reads formats up to {FORMAT}")]
    Newer(u32),
    /// The first line is not one.
    #[error("reading the first line: {0}")]
    Line(&'static str),
    /// There are more or fewer bytes than the first line says.
    #[error("the file should have {expected} bytes after its first line, and has {found}")]
    Length {
        /// What the line says.
        expected: usize,
        /// What there is.
        found: usize,
    },
    /// The bytes are not those that were written.
    #[error("the checksum does not fit: the file was changed or damaged")]
    Checksum,
    /// The compressed bytes are damaged.
    #[error("decompressing: {problem}")]
    Decompress {
        /// The decompressor's words.
        problem: String,
    },
    /// It is larger than any version that was ever written.
    #[error("the file would decompress to more than {MAX_CONTAINER} bytes")]
    TooLarge,
    /// What was decompressed is not the shape of a version.
    #[error("reading the version: {problem} at line {line}, column {column}")]
    Shape {
        /// What is wrong, in words that hold no value.
        problem: &'static str,
        /// Beginning with 1; 0 if it is not known.
        line: usize,
        /// Beginning with 1; 0 if it is not known.
        column: usize,
    },
    /// A member of it cannot be what it must be.
    #[error("reading the version's {0}")]
    Member(&'static str),
    /// A document's name is impossible or occurs twice.
    #[error("the version holds an impossible document")]
    Name(#[source] InvalidName),
    /// The documents are not those that were recorded.
    #[error("the version holds documents with the digest {found}, not {expected}")]
    Digest {
        /// What the version claims.
        expected: Digest,
        /// What its content has.
        found: Digest,
    },
}

impl DecodeError {
    /// Whether the bytes are damaged; else they are whole, but of a later release.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Newer(_))
    }
}

/// Writes a version down.
///
/// # Errors
/// [`EncodeError`], which with documents of at most [`MAX_UNPACKED`] bytes only a lack of memory could cause.
pub fn encode(stored: &Stored, container: Container, compression: Compression) -> Result<Vec<u8>, EncodeError> {
    let size = stored.documents.size();
    if size > MAX_UNPACKED {
        return Err(EncodeError::TooLarge { size });
    }
    let text = container::write(stored, container)?;
    let payload =
        compress(text, compression).map_err(|problem| EncodeError::Compress { problem: problem.to_string() })?;
    let line = format!("{MAGIC} {FORMAT} {} {} {}", container.as_str(), compression.as_str(), payload.len());
    let mut bytes = format!("{line} {}\n", checksum(line.as_bytes(), &payload)).into_bytes();
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Reads a version back; only documents with the digest that the version claims come out.
///
/// # Errors
/// [`DecodeError`] for anything that is not whole; at most [`MAX_CONTAINER`] bytes are ever decompressed.
pub fn decode(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let end = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
    let end = end.ok_or(DecodeError::Line("it does not end within 256 bytes"))?;
    let (line, rest) = bytes.split_at(end);
    let payload = rest.get(1..).unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| DecodeError::Line("it is not text"))?;
    let header = Header::parse(line)?;
    if header.length != payload.len() {
        return Err(DecodeError::Length { expected: header.length, found: payload.len() });
    }
    if payload.len() > MAX_CONTAINER {
        return Err(DecodeError::TooLarge);
    }
    if checksum(header.covered.as_bytes(), payload) != header.checksum {
        return Err(DecodeError::Checksum);
    }
    let text = decompress(payload, header.compression)?;
    let stored = container::read(&text, header.container)?;
    let found = Digest::of(&stored.documents);
    if found != stored.version.digest {
        return Err(DecodeError::Digest { expected: stored.version.digest, found });
    }
    Ok(stored)
}

struct Header<'line> {
    container: Container,
    compression: Compression,
    length: usize,
    covered: &'line str,
    checksum: &'line str,
}

impl<'line> Header<'line> {
    fn parse(line: &'line str) -> Result<Self, DecodeError> {
        let words: Vec<&str> = line.split(' ').collect();
        let [magic, format, rest @ ..] = words.as_slice() else {
            return Err(DecodeError::Line("it does not say what it is"));
        };
        if *magic != MAGIC {
            return Err(DecodeError::Line("it does not begin with `rekindle-version`"));
        }
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => return Err(DecodeError::Newer(newer)),
            _ => return Err(DecodeError::Line("it names no format")),
        }
        let [container, compression, length, checksum] = rest else {
            return Err(DecodeError::Line("it does not have six words"));
        };
        let container = [Container::Json, Container::Yaml].into_iter().find(|known| known.as_str() == *container);
        let compression = [Compression::None, Compression::Zstd, Compression::Gzip]
            .into_iter()
            .find(|known| known.as_str() == *compression);
        let covered = line.strip_suffix(checksum).and_then(|line| line.strip_suffix(' '));
        // Written back, it must be the same: no `+5`, no `007`.
        let length = length.parse::<usize>().ok().filter(|number| number.to_string() == **length);
        Ok(Self {
            container: container.ok_or(DecodeError::Line("it names no container"))?,
            compression: compression.ok_or(DecodeError::Line("it names no compression"))?,
            length: length.ok_or(DecodeError::Line("it names no length"))?,
            covered: covered.ok_or(DecodeError::Line("it has no checksum"))?,
            checksum,
        })
    }
}

fn checksum(line: &[u8], payload: &[u8]) -> String {
    let hash = Sha256::new().chain_update(line).chain_update(payload).finalize();
    format!("sha256:{}", base16ct::lower::encode_string(&hash))
}

fn compress(text: Vec<u8>, compression: Compression) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(text),
        Compression::Zstd => zstd::bulk::compress(&text, LEVEL),
        Compression::Gzip => {
            let mut packed = Vec::new();
            let level = flate2::Compression::default();
            flate2::bufread::GzEncoder::new(text.as_slice(), level).read_to_end(&mut packed)?;
            Ok(packed)
        }
    }
}

fn decompress(payload: &[u8], compression: Compression) -> Result<Vec<u8>, DecodeError> {
    let damaged = |problem: &dyn fmt::Display| DecodeError::Decompress { problem: problem.to_string() };
    match compression {
        Compression::None => Ok(payload.to_vec()),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(payload).map_err(|problem| damaged(&problem))?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(|problem| damaged(&problem))?;
            bounded(decoder)
        }
        Compression::Gzip => bounded(flate2::bufread::GzDecoder::new(payload)),
    }
}

fn bounded(reader: impl Read) -> Result<Vec<u8>, DecodeError> {
    let most = u64::try_from(MAX_CONTAINER).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let read = reader.take(most.saturating_add(1)).read_to_end(&mut text);
    read.map_err(|problem| DecodeError::Decompress { problem: problem.to_string() })?;
    if text.len() > MAX_CONTAINER { Err(DecodeError::TooLarge) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
