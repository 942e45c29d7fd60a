//! What the paths on the command line hold: documents, and where each of them stands for an annotation.
//! Must not read what is inside a document.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use k8s_openapi::api::core::v1::ConfigMap;
use rekindle_core::document::DocumentName;
use rekindle_core::finding::{Finding, Position, Rule};
use rekindle_core::format;
use rekindle_core::value;

use super::CheckError;
use super::manifest;
use crate::convert::config_map;

/// The most bytes of a file that is read: a manifest may hold many ConfigMaps, of 1 MiB each.
const MAX_FILE: usize = 64 << 20;

/// The documents of one source.
pub(super) struct Source {
    pub(super) documents: Result<BTreeMap<DocumentName, Bytes>, Vec<Finding>>,
    pub(super) origins: BTreeMap<DocumentName, Origin>,
}

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its file, or the manifest that it is in.
    pub file: PathBuf,
    /// Inside a manifest: the line before its first one, and how far it is indented. None if it is not known.
    pub offset: Option<(u32, u32)>,
}

impl Origin {
    /// A place of the document as a place of the file.
    #[must_use]
    pub fn place(&self, position: Position) -> Option<Position> {
        let (lines, columns) = self.offset?;
        Some(Position { line: position.line + lines, column: position.column + columns })
    }
}

/// Reads what a path holds: one source, or one for each ConfigMap of a manifest.
pub(super) fn read(path: &Path) -> Result<Vec<Source>, CheckError> {
    let failed = |source| CheckError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return read_folder(path).map(|source| vec![source]);
    }
    let content = read_file(path)?;
    let manifest =
        path.extension().is_some_and(|extension| matches!(extension.to_str(), Some("yaml" | "yml" | "json")));
    let text = std::str::from_utf8(&content).ok().filter(|_| manifest);
    if let Some(text) = text
        && let Some(maps) = manifest::config_maps(text).map_err(|problem| manifest::fault(path, problem))?
    {
        return Ok(maps.into_iter().map(|map| from_config_map(map, text, path)).collect());
    }
    Ok(vec![from_files([(path.to_owned(), content)])])
}

/// Reads a file, as far as it is one and not a stream without end.
pub(super) fn read_file(path: &Path) -> Result<Bytes, CheckError> {
    let failed = |source| CheckError::Read { path: path.to_owned(), source };
    let mut content = Vec::new();
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut content)).map_err(failed)?;
    if content.len() > MAX_FILE {
        return Err(failed(io::Error::other(format!("it has more than {} MiB", MAX_FILE >> 20))));
    }
    Ok(content.into())
}

/// The files of a folder, not of those in it. Hidden folders and the links that a kubelet makes are no files.
fn read_folder(path: &Path) -> Result<Source, CheckError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CheckError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed(path))? {
        let file = entry.map_err(failed(path))?.path();
        if fs::metadata(&file).map_err(failed(&file))?.is_file() {
            let content = read_file(&file)?;
            files.push((file, content));
        }
    }
    files.sort();
    Ok(from_files(files))
}

fn from_files(files: impl IntoIterator<Item = (PathBuf, Bytes)>) -> Source {
    let mut documents = BTreeMap::new();
    let mut origins = BTreeMap::new();
    let mut findings = Vec::new();
    for (file, content) in files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match DocumentName::parse(name) {
            Ok(name) => {
                origins.insert(name.clone(), Origin { file, offset: Some((0, 0)) });
                documents.insert(name, content);
            }
            Err(error) => {
                let finding = Finding::error(Rule::DocumentName, error.to_string());
                findings.push(finding.hint("rename the file, or keep it elsewhere"));
            }
        }
    }
    let documents = if findings.is_empty() { Ok(documents) } else { Err(findings) };
    Source { documents, origins }
}

fn from_config_map(map: ConfigMap, text: &str, path: &Path) -> Source {
    let documents = config_map::documents(map.data, map.binary_data);
    let names = documents.iter().flatten();
    let origins = names.map(|(name, content)| {
        let offset = offset_in(text, name, content);
        (name.clone(), Origin { file: path.to_owned(), offset })
    });
    Source { origins: origins.collect(), documents }
}

/// How far a document that is written as a block in a manifest stands from the manifest's beginning; none if its lines
/// do not stand there as they are.
fn offset_in(text: &str, name: &DocumentName, content: &Bytes) -> Option<(u32, u32)> {
    let manifest = DocumentName::parse("manifest.yaml").ok()?;
    let path = value::Path::root().key("data").key(name.as_str());
    let at = format::locate(&manifest, text.as_bytes(), &path)?.line;
    let document = std::str::from_utf8(content).ok()?;
    // A block begins on the line after its sign.
    [at.checked_sub(1)?, at].into_iter().find_map(|before| Some((before, indent_after(text, before, document)?)))
}

/// How far the lines of a document are indented that begin after a line; none if they are not there.
fn indent_after(text: &str, before: u32, document: &str) -> Option<u32> {
    let mut lines = text.lines().skip(usize::try_from(before).ok()?);
    let mut indent = None;
    for line in document.lines() {
        let there = lines.next()?;
        let margin = there.strip_suffix(line).filter(|margin| margin.trim().is_empty());
        match (line.trim().is_empty(), margin) {
            (true, _) => {}
            (false, Some(margin)) if *indent.get_or_insert(margin.len()) == margin.len() => {}
            (false, _) => return None,
        }
    }
    u32::try_from(indent?).ok()
}
